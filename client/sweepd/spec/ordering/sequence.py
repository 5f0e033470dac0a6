"""Which point comes next, for everything that goes by index: one home for hand-outs and previews.

A point depends on the specification, the cursor and what was handed out before, on nothing else: the same
seed gives the same points everywhere. A change here changes the points of existing sweeps.
"""

from dataclasses import dataclass, replace

from sweepd.spec.ordering.initial import next_initial
from sweepd.spec.ordering.permutation import shuffled
from sweepd.spec.ordering.proposed import (
    MISSES_BEFORE_LISTING,
    MOST_CANDIDATES,
    Cursor,
    Proposed,
    Seen,
    Source,
    next_unseen,
)
from sweepd.spec.ordering.sobol import scrambled_sobol
from sweepd.spec.point import Point
from sweepd.spec.space.sampling import InfeasibleError
from sweepd.spec.sweep_spec import Method, SweepSpec

_DIMENSIONS_A_CANDIDATE = 32
_COST_OF_NO_POINT = 10_000  # what `random_point` tries before it gives up


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Where a search has got: `at` it would find the same again, `after` it goes on."""

    at: Cursor
    after: Cursor
    proposed: Proposed | None = None
    done: bool = False


def next_point(
    spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int = MOST_CANDIDATES
) -> tuple[Cursor, Proposed | None, bool]:
    """Return the cursor moved on, the next point, and whether there is none left.

    Neither a point nor the end: the candidates of this call were in vain, the next call goes on.

    Args:
        spec: the sweep; bayes is treated as random, for want of results.
        cursor: where the last call has left off.
        seen: what was handed out, by whatever way.
        size: how many points the space has, where that is known exactly.
        limit: candidates to look at.
    """
    moved, initial = next_initial(spec, cursor, seen, limit)
    if initial is not None:
        return moved, initial, False
    found = _search(spec, moved, seen, size, limit)
    return found.after, found.proposed, found.done


def look_ahead(
    spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int = MOST_CANDIDATES
) -> tuple[Cursor, bool | None]:
    """Return the cursor past what will be skipped, and whether anything is left; None: not known yet."""
    if cursor.initial < len(spec.initial):
        return cursor, True
    by_draws = spec.method in _SOURCES and spec.search_space.dimensions
    if by_draws and not _is_listed(cursor, seen, size):
        return cursor, True
    found = _search(spec, cursor, seen, size, limit)
    return found.at, True if found.proposed else False if found.done else None


def _search(spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int) -> _Found:
    match spec.method:
        case Method.GRID:
            return _of_grid(spec, cursor, seen, limit)
        case Method.LIST:
            return _of_list(spec, cursor)
        case _ if not spec.search_space.dimensions:
            return _constant(spec, cursor, seen)
        case _ if _is_listed(cursor, seen, size):
            return _of_listing(spec, cursor, seen, limit)
        case _:
            return _of_draws(spec, cursor, seen, size, limit)


def _of_grid(spec: SweepSpec, cursor: Cursor, seen: Seen, limit: int) -> _Found:
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
        return _Found(at=at, after=at, done=place >= end)
    return _Found(at=at, after=cursor.at(place + 1), proposed=proposed)


def _of_list(spec: SweepSpec, cursor: Cursor) -> _Found:
    if cursor.index >= len(spec.runs):
        return _Found(at=cursor, after=cursor, done=True)
    proposed = Proposed.of(spec.runs[cursor.index], Source.LIST, cursor.index)
    return _Found(at=cursor, after=cursor.at(cursor.index + 1), proposed=proposed)


def _constant(spec: SweepSpec, cursor: Cursor, seen: Seen) -> _Found:
    """Without a free parameter the only point is repeated up to the cap; without a cap it is tried once."""
    only = Proposed.of(spec.search_space.from_unit(()), _SOURCES[spec.method], cursor.index)
    if spec.run_cap is None and only.digest in seen:
        return _Found(at=cursor, after=cursor, done=True)
    return _Found(at=cursor, after=cursor.at(cursor.index + 1), proposed=only)


def _of_draws(spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int) -> _Found:
    index, left, misses = cursor.index, limit, 0
    last: Proposed | None = None
    while misses < MISSES_BEFORE_LISTING and left > 0:
        point, cost = _draw(spec, index)
        index, left = index + 1, left - cost
        if point is None:
            continue
        last = Proposed.of(point, _SOURCES[spec.method], index - 1)
        if last.digest not in seen:
            return _Found(at=cursor, after=cursor.at(index), proposed=last)
        misses += 1
    moved = cursor.at(index)
    is_finite = spec.search_space.finite_combinations is not None
    if misses < MISSES_BEFORE_LISTING and (size is not None or not is_finite):
        return _Found(at=moved, after=moved)
    if is_finite:
        # Also where so little is feasible that a thousand repeats do not come up: points were not counted,
        # so that going through them is the only way to an end.
        return _of_listing(spec, moved, seen, limit)
    # No end to the points, but the distribution hardly leaves a few: one comes again.
    return _Found(at=moved, after=moved, proposed=last)


def _of_listing(spec: SweepSpec, cursor: Cursor, seen: Seen, limit: int) -> _Found:
    space = spec.search_space
    end = space.finite_combinations or 0
    source = _SOURCES[spec.method]
    place, proposed = next_unseen(space.next_finite_combination, cursor.listed or 0, end, seen, limit, source)
    at = replace(cursor, listed=place)
    if proposed is None:
        return _Found(at=at, after=at, done=place >= end)
    return _Found(at=at, after=replace(cursor, listed=place + 1), proposed=proposed)


def _is_listed(cursor: Cursor, seen: Seen, size: int | None) -> bool:
    """Tell whether draws are over. Points from elsewhere may be among `seen`, so counting alone is no end."""
    return cursor.listed is not None or (size is not None and len(seen) >= size)


def _draw(spec: SweepSpec, index: int) -> tuple[Point | None, int]:
    """Return the point of an index, None where there is none, and how many candidates that took."""
    space, seed = spec.search_space, spec.seed or 0
    cost = 1 + len(space.dimensions) // _DIMENSIONS_A_CANDIDATE
    if spec.method is Method.SOBOL:
        point = space.from_unit(scrambled_sobol(seed, index, [each.path for each in space.dimensions]))
        return (point if space.feasible(point) else None), cost
    try:
        return space.random_point(seed, index), cost
    except InfeasibleError:
        return None, _COST_OF_NO_POINT


_SOURCES = {Method.RANDOM: Source.RANDOM, Method.BAYES: Source.RANDOM, Method.SOBOL: Source.SOBOL}
