"""Reads the names of the project and the entity that a sweep is to live in, and makes them names of ours."""

from collections.abc import Collection
from typing import Final

from sweepd.name_part import LEGAL_PART, as_part
from sweepd.spec.reading.fields import Fields
from sweepd.spec.wording import shown

PLACING_KEYS: Final = ("project", "entity")


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
