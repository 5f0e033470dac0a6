"""Reads the names of the project and the entity that a sweep is to live in, and makes them names of ours."""

import re
import unicodedata
from collections.abc import Collection
from typing import Final

from sweepd.spec.reading.fields import Fields
from sweepd.spec.wording import shown

PLACING_KEYS: Final = ("project", "entity")
LEGAL_PART: Final = "lower-case letters, digits, `_`, `.` and `-`, at most 64, a letter or digit first"
PART: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
_ILLEGAL: Final = re.compile(r"[^a-z0-9_.-]+", re.ASCII)
_LOOKED_AT: Final = 256
"""Characters of a name that are looked at; of more, none would be kept."""


def is_part(name: str) -> bool:
    """Tell whether a name may stand in the full name of a sweep."""
    return PART.fullmatch(name) is not None


def as_part(text: str) -> str:
    """Return the nearest name that may, a name that may as it is; empty if nothing of it can stay."""
    if is_part(text):
        return text
    # Twice, since either step makes work for the other: of a bold A a plain one, of ŉ two characters.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text[:_LOOKED_AT]).casefold())
    letters = "".join(each for each in folded if not unicodedata.combining(each))
    return _ILLEGAL.sub("-", letters).lstrip("_.-")[:64].rstrip("-")


def read_placing(fields: Fields, placing: Collection[str]) -> dict[str, str | None]:
    """Return both names; those of the keys that place the sweep in our form.

    Other products have names of any letters: a file that has one works, and is told once what becomes of it.
    """
    names = {key: fields.text(key) for key in PLACING_KEYS}
    placed = {key: name for key, name in names.items() if name is not None and key in placing}
    ours = {key: as_part(name) for key, name in placed.items()}
    for key, name in placed.items():
        if not ours[key]:
            message = f"nothing of {shown(name)} can stand in a name; write {LEGAL_PART}, or say --{key}"
            fields.error("bad-name", message, key=key)
    changed = [key for key, name in placed.items() if name != ours[key]]
    if changed and all(ours.values()):
        where = (
            f'"{ours["entity"]}/{ours["project"]}"'
            if len(ours) == len(PLACING_KEYS)
            else f'the {changed[0]} "{ours[changed[0]]}"'
        )
        fields.warning(
            "changed-name",
            f"the sweep will live in {where}: names have {LEGAL_PART}",
            key=changed[0],
        )
    return {**names, **ours}
