"""Search by drawing unseen points, then by enumeration: `random`, and `bayes` without results."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from sweepd.spec.distributions.discrete import Constant
from sweepd.spec.finding import Finding
from sweepd.spec.methods.proposed import (
    MISSES_BEFORE_ENUMERATION,
    Cursor,
    Found,
    Proposed,
    Seen,
    Source,
    next_unseen,
)
from sweepd.spec.point import InfeasibleError, Parameter, Point
from sweepd.spec.sweep_spec import SearchMethod, SweepSpec

_DIMENSIONS_PER_CANDIDATE = 32


def cost_of(spec: SweepSpec) -> int:
    """Return the cost of one draw, in candidates."""
    return 1 + len(spec.search_space.dimensions) // _DIMENSIONS_PER_CANDIDATE


def search_draws(spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int) -> Found:
    """Return the next point of a method that draws points."""
    if not spec.search_space.dimensions:
        return _constant(spec, cursor, seen)
    if draws_have_ended(cursor, seen, size):
        return _of_enumeration(spec, cursor, seen, limit)
    return _of_draws(spec, cursor, seen, size, limit)


def _constant(spec: SweepSpec, cursor: Cursor, seen: Seen) -> Found:
    """Return the only point of a space without free parameters: once, or repeatedly up to the run cap."""
    only = Proposed.of(spec.search_space.from_unit(()), _source(spec), cursor.index)
    if spec.run_cap is None and only.digest in seen:
        return Found(at=cursor, after=cursor, done=True)
    return Found(at=cursor, after=cursor.at(cursor.index + 1), proposed=only)


def _of_draws(spec: SweepSpec, cursor: Cursor, seen: Seen, size: int | None, limit: int) -> Found:
    draw = spec.method.draw
    assert draw is not None, "`search_draws` is for methods that draw"
    index, left, misses = cursor.index, limit, 0
    last: Proposed | None = None
    while misses < MISSES_BEFORE_ENUMERATION and left > 0:
        point, cost = draw(spec, index)
        index, left = index + 1, left - cost
        if point is None:
            continue
        last = Proposed.of(point, _source(spec), index - 1)
        if last.digest not in seen:
            return Found(at=cursor, after=cursor.at(index), proposed=last)
        misses += 1
    moved = cursor.at(index)
    is_finite = spec.search_space.support.size is not None
    if misses < MISSES_BEFORE_ENUMERATION and (size is not None or not is_finite):
        return Found(at=moved, after=moved)
    if is_finite:
        # This includes a space whose points were not counted (`size` is None): its draws may hardly ever be
        # feasible, and then only enumeration can find out that no point is left.
        return _of_enumeration(spec, moved, seen, limit)
    # The space is infinite, but the distribution yields practically only a few points: repeat one.
    return Found(at=moved, after=moved, proposed=last)


def _of_enumeration(spec: SweepSpec, cursor: Cursor, seen: Seen, limit: int) -> Found:
    support = spec.search_space.support
    end = support.size or 0
    start = cursor.enumeration_index or 0
    place, proposed = next_unseen(support.next, start, end, seen, limit, _source(spec))
    at = replace(cursor, enumeration_index=place)
    if proposed is None:
        return Found(at=at, after=at, done=place >= end)
    return Found(at=at, after=replace(cursor, enumeration_index=place + 1), proposed=proposed)


def draws_have_ended(cursor: Cursor, seen: Seen, size: int | None) -> bool:
    """Return True if further points are enumerated instead of drawn.

    Unseen points may be left even if `seen` has `size` points: some seen ones may not be in the enumeration.
    """
    return cursor.enumeration_index is not None or (size is not None and len(seen) >= size)


def _source(spec: SweepSpec) -> Source:
    return Source.RANDOM if spec.method.learns else Source(spec.method.name)


_FAILED_DRAW_COST = 10_000  # number of draws that `random_point` tries before it raises


def draw_random(spec: SweepSpec, index: int) -> tuple[Point | None, int]:
    """Return the random point at an index, or None if there is none, and the cost in candidates."""
    try:
        return spec.search_space.random_point(spec.seed or 0, index), cost_of(spec)
    except InfeasibleError:
        return None, _FAILED_DRAW_COST


def _check(leaves: Sequence[tuple[str, Parameter]]) -> Iterator[Finding]:
    if leaves and all(isinstance(leaf.distribution, Constant) for _, leaf in leaves):
        message = "bayes needs a parameter that is not constant"
        yield Finding(path="method", code="nothing-to-search", message=message)


RANDOM: Final = SearchMethod(
    name="random",
    meaning="Independent draws of each parameter.",
    search=search_draws,
    draw=draw_random,
)
"""Method `random`."""
BAYES: Final = SearchMethod(
    name="bayes",
    meaning="A model of the results so far chooses points; needs `metric`.",
    search=search_draws,
    draw=draw_random,
    check=_check,
    learns=True,
)
"""Method `bayes`: a model of the results chooses points. Without results, points are random."""
