"""Next point of a sweep, and the number of points, for hand-outs and previews.

A point depends only on the specification, the cursor and the points handed out before: the same seed gives
the same points on every machine. A change here changes the points of existing sweeps.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from sweepd.spec.distributions.discrete import Categorical, IntUniform
from sweepd.spec.limits import INT64_MAX
from sweepd.spec.methods.draws import draws_have_ended
from sweepd.spec.methods.proposed import (
    MAX_CANDIDATES,
    MISSES_BEFORE_ENUMERATION,
    Cursor,
    Proposed,
    Seen,
    Source,
    next_unseen,
)
from sweepd.spec.point import InfeasibleError, Json, Point, point_digest
from sweepd.spec.space.search_space import Enumeration
from sweepd.spec.space.walk import Count
from sweepd.spec.sweep_spec import SweepSpec


def next_point(
    spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int = MAX_CANDIDATES
) -> tuple[Cursor, Proposed | None, bool]:
    """Return the advanced cursor, the next point, and whether the sweep has no points left.

    If no point is returned but points may be left, the limit was reached; the next call continues.

    Args:
        spec: the sweep; bayes is treated as random, since there are no results.
        cursor: cursor that the last call returned.
        seen: all points that were handed out.
        size: number of points in the space, or None if not known exactly.
        limit: maximum number of candidates.
    """
    moved, initial = next_initial(spec, cursor, seen, limit)
    if initial is not None:
        return moved, initial, False
    found = spec.method.search(spec, moved, seen, size, limit)
    return found.after, found.proposed, found.done


def look_ahead(
    spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int = MAX_CANDIDATES
) -> tuple[Cursor, bool | None]:
    """Return the cursor after any skipped points, and whether a point is left (None: not known yet)."""
    if cursor.initial < len(spec.initial):
        return cursor, True
    by_draws = spec.method.draw is not None and spec.search_space.dimensions
    if by_draws and not draws_have_ended(cursor, seen, size):
        return cursor, True
    found = spec.method.search(spec, cursor, seen, size, limit)
    return found.at, True if found.proposed else False if found.done else None


def next_initial(
    spec: SweepSpec, cursor: Cursor, seen: Seen, limit: int = MAX_CANDIDATES
) -> tuple[Cursor, Proposed | None]:
    """Return the advanced cursor and the next initial point that has an unseen completion, if any."""
    while cursor.initial < len(spec.initial):
        place = cursor.initial
        cursor = replace(cursor, initial=place + 1)
        point = completion(spec, spec.initial[place], _indices(spec, place), seen, limit)
        if point is not None:
            return cursor, Proposed.of(point, Source.INITIAL, place)
    return cursor, None


def completion(
    spec: SweepSpec,
    partial: Mapping[str, Json],
    indices: Iterable[int],
    seen: Seen,
    limit: int = MAX_CANDIDATES,
) -> Point | None:
    """Return an unseen point that has the values of a partial point, or None if none is found.

    Args:
        spec: the sweep, whose method chooses the missing values.
        partial: a point of the space, or part of a point.
        indices: indices of the draws to try.
        seen: points that were handed out.
        limit: maximum number of combinations.
    """
    if not spec.search_space.violations(partial):
        return dict(partial) if point_digest(partial) not in seen else None
    drawn = _drawn(spec, partial, indices, seen)
    if spec.method.on_grid:
        point, all_seen = _in_order(spec, partial, seen, limit)
        if point is None and not all_seen:
            # A partial point may have a value that is not in the grid, such as the maximum of a q_uniform.
            point = next((each for each in drawn if _in_order(spec, each, seen, limit)[0]), None)
        return point
    point = next(drawn, None)
    return _in_order(spec, partial, seen, limit)[0] if point is None else point


def _indices(spec: SweepSpec, place: int) -> Iterator[int]:
    for attempt in range(MISSES_BEFORE_ENUMERATION):
        # The indices are negative, so that no draw of the method has the same index.
        yield -1 - place - attempt * len(spec.initial)


def _drawn(
    spec: SweepSpec, partial: Mapping[str, Json], indices: Iterable[int], seen: Seen
) -> Iterator[Point]:
    for index in indices:
        try:
            point = spec.search_space.complete(partial, spec.seed or 0, index)
        except InfeasibleError:
            return
        if point_digest(point) not in seen:
            yield point


def _in_order(
    spec: SweepSpec, partial: Mapping[str, Json], seen: Seen, limit: int
) -> tuple[Point | None, bool]:
    """Return the first unseen point that matches a partial one, and whether all combinations were tried."""
    points = _points(spec)
    end = points.size or 0
    place, proposed = next_unseen(
        lambda start, left: points.next(start, left, partial), 0, end, seen, limit, Source.INITIAL
    )
    return (None, place >= end) if proposed is None else (proposed.point, False)


_STEPS_PER_POINT = 1_000
MAX_COUNT_STEPS = 1_000_000
"""Maximum number of steps to count points exactly; beyond it, the number is estimated."""


def count_distinct(spec: SweepSpec, steps: int = MAX_COUNT_STEPS) -> Count:
    """Return the number of points that the method can choose; with constraints, this may take seconds."""
    return Count(len(spec.runs)) if spec.method.listed else _points(spec).count(steps)


def known_size(spec: SweepSpec, counted: int | None = None) -> int | None:
    """Return the total number of points that the method can hand out; None if infinite or not known exactly.

    Args:
        spec: the sweep.
        counted: result of `count_distinct`, if exact.
    """
    space = spec.search_space
    if spec.method.listed:
        return len(spec.runs)
    if spec.method.draw is not None and not space.dimensions:
        return 1 if spec.run_cap is None else None  # the only point is repeated up to the cap
    if spec.constraints or any(dimension.conditional for dimension in space.dimensions):
        return counted
    return _points(spec).size


def planned_runs(spec: SweepSpec, size: int | None, taken: int = 0) -> int | None:
    """Return the total number of runs of a sweep; None if unbounded or unknown.

    Args:
        spec: the sweep.
        size: result of `known_size`.
        taken: number of points of prior runs, as counted by `points_taken`.
    """
    if size is None:
        return spec.run_cap
    before = len(spec.initial) if spec.method.listed else 0  # for other methods, `size` includes them
    runs = (max(0, size - taken) + before) * spec.repeats
    return runs if spec.run_cap is None else min(runs, spec.run_cap)


def counted_points(spec: SweepSpec) -> int | None:
    """Return the exact number of points for `known_size`; None if not needed or not known exactly."""
    if known_size(spec, 0) != 0:
        return None
    count = count_distinct(spec)
    return None if count.is_estimate or count.value is None or count.value > INT64_MAX else count.value


def points_taken(spec: SweepSpec, points: Collection[Point]) -> int:
    """Return how many of these distinct points the method would hand out if they were unseen.

    Return 0 for the method `list`, which runs all of its points, and if the number of points is infinite.
    """
    space = spec.search_space
    if spec.method.listed or _points(spec).size is None:
        return 0
    if not space.dimensions and not spec.method.on_grid and spec.run_cap is not None:
        return 0  # the only point is repeated up to the cap
    if all(isinstance(each.distribution, Categorical | IntUniform) for each in space.dimensions):
        return len(points)
    # A point of the space may have values that are not in the grid, or that are never drawn.
    return sum(_points(spec).next(0, _STEPS_PER_POINT, point)[1] is not None for point in points)


def _points(spec: SweepSpec) -> Enumeration:
    return spec.search_space.grid if spec.method.on_grid else spec.search_space.support
