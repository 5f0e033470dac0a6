"""Reads the names of the project and the entity that a sweep is to live in."""

import re
from typing import Final

from sweepd.spec.reading.diagnostic import shown
from sweepd.spec.reading.fields import Fields

PLACING_KEYS: Final = ("project", "entity")
LEGAL_PART: Final = "lower-case letters, digits, `_`, `.` and `-`, at most 64, a letter or digit first"
PART: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
_LONGEST: Final = 128


def is_part(name: str) -> bool:
    """Tell whether a name may stand in the full name of a sweep."""
    return PART.fullmatch(name) is not None


def as_part(text: str) -> str:
    """Return the nearest name that may; empty if there is no letter of one."""
    letters = re.sub(r"[^a-z0-9_.-]+", "-", text.lower(), flags=re.ASCII)
    return letters.lstrip("_.-")[:64].rstrip("-")


def read_placing(fields: Fields, key: str, *, places: bool) -> str | None:
    """Return a name; one that places the sweep must be legal, one that is replaced may be anybody's."""
    name = fields.text(key)
    if name is None:
        return None
    if places and not is_part(name):
        message = f"{shown(name)} is no legal name: {LEGAL_PART}; or replace it with --{key}"
        fields.error("bad-name", message, key=key, suggestion=as_part(name) or None)
    elif "/" in name or name in (".", "..") or not name.isprintable() or len(name) > _LONGEST:
        message = f"must be a name of at most {_LONGEST} printable characters without `/`"
        fields.error("bad-name", message, key=key)
    return name
