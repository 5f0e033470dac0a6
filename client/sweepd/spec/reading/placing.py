"""Legal names for the project and the entity that a sweep file gives."""

from collections.abc import Collection, Mapping
from typing import Final

from sweepd.name_part import LEGAL_PART, as_part
from sweepd.spec.loading.fields import Fields
from sweepd.spec.wording import shown

PLACING_KEYS: Final = ("project", "entity")


def legal_names(fields: Fields, values: Mapping[str, object], placing: Collection[str]) -> dict[str, str]:
    """Return the names, in our form, of the keys that place the sweep.

    Other products have names of any letters: a file that has one works, and gets one warning of what becomes
    of it.
    """
    named = ((key, values.get(key)) for key in PLACING_KEYS if key in placing)
    placed = {key: name for key, name in named if isinstance(name, str)}
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
    return ours
