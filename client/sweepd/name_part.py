"""Parts of the full names of sweeps and runs: validation, and conversion of any text to a valid part."""

import re
import unicodedata
from typing import Final

LEGAL_PART: Final = "1 to 64 lower-case letters, digits, `_`, `.` and `-`, beginning with a letter or digit"
PART: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
_ILLEGAL: Final = re.compile(r"[^a-z0-9_.-]+", re.ASCII)
_MAX_INPUT: Final = 256
"""Maximum number of characters of a name that are converted; the result is shorter anyway."""


def is_part(name: str) -> bool:
    """Return True if a name is valid as a part of a full name."""
    return PART.fullmatch(name) is not None


def as_part(text: str) -> str:
    """Return the text if it is a valid part, else the nearest valid part; empty if no character is valid."""
    if is_part(text):
        return text
    # Normalise twice: case folding and NFKD each produce characters that the other changes (bold A, ŉ).
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text[:_MAX_INPUT]).casefold())
    letters = "".join(each for each in folded if not unicodedata.combining(each))
    return _ILLEGAL.sub("-", letters).lstrip("_.-")[:64].rstrip("-")
