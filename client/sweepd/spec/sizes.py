"""How many points and how many runs a sweep has in all, as far as that can be told."""

from sweepd.spec.limits import INT64_MAX
from sweepd.spec.space.counting import Count
from sweepd.spec.sweep_spec import Method, SweepSpec

MOST_STEPS = 1_000_000
"""How far points are counted one by one; beyond, their number is estimated."""


def count_distinct(spec: SweepSpec, steps: int = MOST_STEPS) -> Count:
    """Return how many points the method may choose from; constraints may make counting take seconds."""
    if spec.method is Method.LIST:
        return Count(len(spec.runs))
    space = spec.search_space
    return space.count_grid(steps) if spec.method is Method.GRID else space.count_points(steps)


def known_size(spec: SweepSpec, counted: int | None = None) -> int | None:
    """Return how many points the method may hand out in all; None: no end to them, or not known exactly.

    Args:
        spec: the sweep.
        counted: what `count_distinct` has found, where it was exact.
    """
    space = spec.search_space
    match spec.method:
        case Method.LIST:
            return len(spec.runs)
        case Method.RANDOM | Method.SOBOL | Method.BAYES if not space.dimensions:
            return 1 if spec.run_cap is None else None  # the only point is repeated up to the cap
        case _ if spec.constraints or any(dimension.conditional for dimension in space.dimensions):
            return counted
        case Method.GRID:
            return space.combinations
        case _:
            return space.finite_combinations


def planned_runs(spec: SweepSpec, size: int | None) -> int | None:
    """Return how many runs a sweep will have started at its end; None: without bound, or it is not known.

    Args:
        spec: the sweep.
        size: what `known_size` has found.
    """
    if size is None:
        return spec.run_cap
    before = len(spec.initial) if spec.method is Method.LIST else 0  # elsewhere they are among the others
    runs = (size + before) * spec.repeats
    return runs if spec.run_cap is None else min(runs, spec.run_cap)


def counted_points(spec: SweepSpec) -> int | None:
    """Return how many points there are, for `known_size`, where only counting tells; None if inexact."""
    if known_size(spec, 0) != 0:
        return None
    count = count_distinct(spec)
    return None if count.is_estimate or count.value is None or count.value > INT64_MAX else count.value
