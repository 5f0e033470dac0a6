"""Golden files of the interfaces that users rely on, and a comparison that names each difference."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

FOLDER = Path(__file__).parent / "golden"

Golden: TypeAlias = "str | Sequence[Golden] | Mapping[str, Golden]"


class Unchanged(Protocol):
    """Function that compares the current state with the golden file of a name."""

    def __call__(self, name: str, now: Golden) -> None: ...


def compare(name: str, now: Golden) -> None:
    """Fail with one line for each entry that was removed, added or changed."""
    before: Golden = json.loads((FOLDER / f"{name}.json").read_text())
    differences = list(_differences(before, now, ""))
    assert not differences, (
        f"{len(differences)} differences from tests/frozen/golden/{name}.json, which users rely on:\n  "
        + "\n  ".join(differences[:60])
        + "\nRestore them. If one is intended: pytest tests/frozen --freeze, and name it in CHANGELOG.md."
    )


def freeze(name: str, now: Golden) -> None:
    """Write the golden file."""
    (FOLDER / f"{name}.json").write_text(json.dumps(now, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def shape(*documents: object) -> dict[str, Golden]:
    """Return the types at each path of some JSON documents, `[]` for items of a list: `runs[].state`."""
    found: dict[str, set[str]] = {}
    for document in documents:
        _add_shape(document, "", found)
    return {path or ".": " | ".join(sorted(types)) for path, types in sorted(found.items())}


def _add_shape(value: object, path: str, found: dict[str, set[str]]) -> None:
    found.setdefault(path, set()).add(_type_name(value))
    match value:
        case dict():
            for name, member in value.items():
                _add_shape(member, f"{path}.{name}" if path else name, found)
        case list():
            for item in value:
                _add_shape(item, f"{path}[]", found)


def _type_name(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "list"
        case _:
            return "object"


def _differences(before: Golden, now: Golden, path: str) -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        found = []
        for key in sorted({*before, *now}):
            place = f"{path} > {key}" if path else key
            if key not in now:
                found.append(f"removed: {place} (was {_short(before[key])})")
            elif key not in before:
                found.append(f"new: {place}: {_short(now[key])}")
            else:
                found += _differences(before[key], now[key], place)
        return found
    if isinstance(before, list) and isinstance(now, list):
        removed = [item for item in before if item not in now]
        new = [item for item in now if item not in before]
        listed = [f"removed: {path}: {_short(item)}" for item in removed] + [
            f"new: {path}: {_short(item)}" for item in new
        ]
        moved = [f"in another order: {path}: {_short(now)}"] if before != now and not listed else []
        return listed + moved
    return [] if before == now else [f"changed: {path}: was {_short(before)}, is {_short(now)}"]


def _short(value: Golden) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"
