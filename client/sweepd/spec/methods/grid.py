"""Method `grid`: every combination once, in order or shuffled by the seed."""

from collections.abc import Iterator, Sequence
from typing import Final

from sweepd.spec.methods.permutation import shuffled
from sweepd.spec.methods.proposed import Cursor, Found, Seen, Source, next_unseen
from sweepd.spec.parameter import Parameter
from sweepd.spec.point import Point
from sweepd.spec.space.finding import Finding
from sweepd.spec.sweep_spec import SearchMethod, SweepSpec


def _search(spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int) -> Found:
    space = spec.search_space
    end = space.combinations

    def next_shuffled(start: int, left: int) -> tuple[int, Point | None]:
        stop = min(end, start + left)
        for place in range(start, stop):
            point = space.combination(shuffled(spec.seed or 0, place, end))
            if point is not None:
                return place, point
        return stop, None

    step = next_shuffled if spec.shuffle else space.next_combination
    place, proposed = next_unseen(step, cursor.index, end, seen, limit, Source.GRID)
    at = cursor.at(place)
    if proposed is None:
        return Found(at=at, after=at, done=place >= end)
    return Found(at=at, after=cursor.at(place + 1), proposed=proposed)


def _check(leaves: Sequence[tuple[str, Parameter]]) -> Iterator[Finding]:
    for path, leaf in leaves:
        if leaf.distribution.grid_values is None:
            name = leaf.distribution.name
            message = f"a grid cannot go through {name}; list its `values`, or use q_uniform"
            yield Finding(path=path, code="not-a-grid", message=message)


GRID: Final = SearchMethod(
    name="grid", meaning="Every combination, once.", search=_search, check=_check, on_grid=True
)
