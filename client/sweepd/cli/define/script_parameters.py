"""Script-only parameters: values of standalone runs that no sweep sets, alike in all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sweepd.spec.point import Json, Point, canonical_json

Path = tuple[str, ...]


def without_script_parameters(
    standalone: Sequence[Point], swept: Sequence[Point]
) -> tuple[list[Point], list[str]]:
    """Return the points of standalone runs without script-only parameters, and the names of those.

    The point of a standalone run is the whole configuration of its script. A sweep that passed such a value
    on would give the script an argument that it may not know, and runs of sweeps would seem to lack it.
    """
    known = {path for point in swept for path, _ in _leaves(point)}
    seen: dict[Path, set[str]] = {}
    for point in standalone:
        for path, value in _leaves(point):
            if not any(path[:length] in known for length in range(1, len(path) + 1)):
                seen.setdefault(path, set()).add(canonical_json(value))
    own = {path for path, values in seen.items() if known and len(values) == 1}
    return [_without(point, own) for point in standalone], sorted(".".join(path) for path in own)


def _leaves(group: Point, outer: Path = ()) -> Iterator[tuple[Path, Json]]:
    for name, value in group.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*outer, name))
        else:
            yield (*outer, name), value


def _without(group: Point, own: set[Path], outer: Path = ()) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for name, value in group.items():
        path = (*outer, name)
        if isinstance(value, dict) and value:
            if members := _without(value, own, path):
                kept[name] = members
        elif path not in own:
            kept[name] = value
    return kept
