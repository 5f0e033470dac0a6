"""The points of `initial`: they run before those of the method, which completes what they leave out."""

from collections.abc import Iterator
from dataclasses import replace

from sweepd.spec.ordering.proposed import (
    MISSES_BEFORE_LISTING,
    MOST_CANDIDATES,
    Cursor,
    Proposed,
    Seen,
    Source,
    propose,
    walk,
)
from sweepd.spec.point import Point, point_digest
from sweepd.spec.space.sampling import InfeasibleError
from sweepd.spec.sweep_spec import Method, SweepSpec


def next_initial(
    spec: SweepSpec, cursor: Cursor, seen: Seen, limit: int = MOST_CANDIDATES
) -> tuple[Cursor, Proposed | None]:
    """Return the next initial point; one of which nothing is left that was not handed out is passed over."""
    while cursor.initial < len(spec.initial):
        place = cursor.initial
        cursor = replace(cursor, initial=place + 1)
        point = next(_completions(spec, place, seen, limit), None)
        if point is not None:
            return cursor, propose(point, Source.INITIAL, place)
    return cursor, None


def _completions(spec: SweepSpec, place: int, seen: Seen, limit: int) -> Iterator[Point]:
    """Yield points that have what an initial point gives and were not handed out, the one to take first."""
    partial = spec.initial[place]
    if spec.method is Method.LIST or not spec.search_space.violations(partial):
        if point_digest(partial) not in seen:
            yield partial
    elif spec.method is Method.GRID:
        yield from _in_order(spec, place, seen, limit)
        yield from _drawn(spec, place, seen)  # what it gives may lie beside the grid
    else:
        yield from _drawn(spec, place, seen)
        yield from _in_order(spec, place, seen, limit)


def _drawn(spec: SweepSpec, place: int, seen: Seen) -> Iterator[Point]:
    for attempt in range(MISSES_BEFORE_LISTING):
        # Below zero, where no point of the method itself has its draws.
        index = -1 - place - attempt * len(spec.initial)
        try:
            point = spec.search_space.complete(spec.initial[place], spec.seed or 0, index)
        except InfeasibleError:
            return
        if point_digest(point) not in seen:
            yield point


def _in_order(spec: SweepSpec, place: int, seen: Seen, limit: int) -> Iterator[Point]:
    space, partial = spec.search_space, spec.initial[place]
    is_grid = spec.method is Method.GRID
    step = space.next_combination if is_grid else space.next_finite_combination
    end = space.combinations if is_grid else space.finite_combinations or 0
    _, proposed = walk(lambda start, left: step(start, left, partial), 0, end, seen, limit, Source.INITIAL)
    if proposed is not None:
        yield proposed.point
