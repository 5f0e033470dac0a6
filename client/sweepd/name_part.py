"""Parts of the full names of sweeps and runs: legal ones, and what other names become there."""

import re
import unicodedata
from typing import Final

LEGAL_PART: Final = "lower-case letters, digits, `_`, `.` and `-`, at most 64, a letter or digit first"
PART: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
_ILLEGAL: Final = re.compile(r"[^a-z0-9_.-]+", re.ASCII)
_LOOKED_AT: Final = 256
"""Characters of a name that are looked at; of more, none would be kept."""


def is_part(name: str) -> bool:
    """Return True if a name may stand in the full name of a sweep."""
    return PART.fullmatch(name) is not None


def as_part(text: str) -> str:
    """Return the nearest name that may, a name that may as it is; empty if nothing of it can stay."""
    if is_part(text):
        return text
    # Twice, since either step makes work for the other: of a bold A a plain one, of ŉ two characters.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text[:_LOOKED_AT]).casefold())
    letters = "".join(each for each in folded if not unicodedata.combining(each))
    return _ILLEGAL.sub("-", letters).lstrip("_.-")[:64].rstrip("-")
