"""Numbers of points and of runs that a sweep has in all, as far as they are known."""

from collections.abc import Collection

from sweepd.spec.distributions.discrete import Categorical, IntUniform
from sweepd.spec.limits import INT64_MAX
from sweepd.spec.point import Point
from sweepd.spec.space.walk import Count
from sweepd.spec.sweep_spec import SweepSpec

MOST_STEPS = 1_000_000
"""Points that are counted one by one; beyond, their number is estimated."""


def count_distinct(spec: SweepSpec, steps: int = MOST_STEPS) -> Count:
    """Return how many points the method may choose from; constraints may make counting take seconds."""
    if spec.method.listed:
        return Count(len(spec.runs))
    space = spec.search_space
    return space.count_grid(steps) if spec.method.on_grid else space.count_points(steps)


def known_size(spec: SweepSpec, counted: int | None = None) -> int | None:
    """Return how many points the method may hand out in all; None: no end to them, or not known exactly.

    Args:
        spec: the sweep.
        counted: what `count_distinct` has found, where it was exact.
    """
    space = spec.search_space
    if spec.method.listed:
        return len(spec.runs)
    if spec.method.draw is not None and not space.dimensions:
        return 1 if spec.run_cap is None else None  # the only point is repeated up to the cap
    if spec.constraints or any(dimension.conditional for dimension in space.dimensions):
        return counted
    return space.combinations if spec.method.on_grid else space.finite_combinations


def planned_runs(spec: SweepSpec, size: int | None, taken: int = 0) -> int | None:
    """Return how many runs a sweep will have started at its end; None: without bound, or it is not known.

    Args:
        spec: the sweep.
        size: what `known_size` has found.
        taken: points that prior runs have, so that no run gets them, as `points_taken` counts them.
    """
    if size is None:
        return spec.run_cap
    before = len(spec.initial) if spec.method.listed else 0  # of other methods they are among the points
    runs = (max(0, size - taken) + before) * spec.repeats
    return runs if spec.run_cap is None else min(runs, spec.run_cap)


def counted_points(spec: SweepSpec) -> int | None:
    """Return how many points there are, for `known_size`, where only counting tells; None if inexact."""
    if known_size(spec, 0) != 0:
        return None
    count = count_distinct(spec)
    return None if count.is_estimate or count.value is None or count.value > INT64_MAX else count.value


def points_taken(spec: SweepSpec, points: Collection[Point]) -> int:
    """Return how many of some distinct points of the space are among those that the method hands out.

    A list runs what it lists, and a space without an end has no fewer points left.
    """
    space = spec.search_space
    is_grid = spec.method.on_grid
    if spec.method.listed or (not is_grid and space.finite_combinations is None):
        return 0
    if not space.dimensions and not is_grid and spec.run_cap is not None:
        return 0  # the only point is repeated up to the cap
    if all(isinstance(each.distribution, Categorical | IntUniform) for each in space.dimensions):
        return len(points)
    # A space may have values that its grid does not go through, or that are never drawn.
    step = space.next_combination if is_grid else space.next_finite_combination
    return sum(step(0, _STEPS_TO_A_POINT, point)[1] is not None for point in points)


_STEPS_TO_A_POINT = 1_000
