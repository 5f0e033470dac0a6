"""Points by index: the next one of a grid or of a random search, free of any service."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from sweepd.spec import Method, Point, point_digest
from sweepd_scheduler.domain.run import PointSource, Provenance
from sweepd_scheduler.domain.sweep import Sweep

MISSES_BEFORE_LISTING = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A point to be handed out."""

    point: Point
    digest: bytes
    provenance: Provenance
    occurrence: int = 0


def next_by_index(
    sweep: Sweep, seen: Collection[bytes], size: int | None, source: PointSource
) -> tuple[Sweep, Drawn | None]:
    """Return the next point that was not handed out, and the sweep with its cursor moved on; None at the end.

    Args:
        sweep: cursor, seed and space.
        seen: digests of the points that were handed out.
        size: points that there are in all, None for no end.
        source: what to record as the origin of a random point.
    """
    if sweep.spec.method is Method.GRID:
        return _next_of_grid(sweep, seen, size or 0)
    if not sweep.spec.search_space.dimensions:
        return _constant(sweep, seen, size, source)
    if size is not None and len(seen) >= size:
        return sweep, None
    return _next_random(sweep, seen, size, source)


def _next_of_grid(sweep: Sweep, seen: Collection[bytes], size: int) -> tuple[Sweep, Drawn | None]:
    for index in range(sweep.cursor, size):
        drawn = _drawn(sweep, sweep.spec.search_space.grid_point(index), PointSource.GRID, index)
        if drawn.digest not in seen:
            return replace(sweep, cursor=index + 1), drawn
    return replace(sweep, cursor=size), None


def _constant(
    sweep: Sweep, seen: Collection[bytes], size: int | None, source: PointSource
) -> tuple[Sweep, Drawn | None]:
    """Without a free parameter the only point is repeated up to the cap; without a cap it is tried once."""
    if size is not None and seen:
        return sweep, None
    index = sweep.counts.total
    drawn = _drawn(sweep, sweep.spec.search_space.from_unit(()), source, index)
    return sweep, replace(drawn, occurrence=index)


def _next_random(
    sweep: Sweep, seen: Collection[bytes], size: int | None, source: PointSource
) -> tuple[Sweep, Drawn | None]:
    space = sweep.spec.search_space
    if sweep.listed is None:
        drawn = None
        for index in range(sweep.cursor, sweep.cursor + MISSES_BEFORE_LISTING):
            drawn = _drawn(sweep, space.random_point(sweep.seed, index), source, index)
            if drawn.digest not in seen:
                return replace(sweep, cursor=index + 1), drawn
        sweep = replace(sweep, cursor=sweep.cursor + MISSES_BEFORE_LISTING)
        if size is None:  # no end to the points, but the distribution hardly leaves a few: repeat
            return sweep, replace(drawn, occurrence=sweep.counts.total) if drawn else None
        sweep = replace(sweep, listed=0)
    for index in range(sweep.listed or 0, size or 0):
        drawn = _drawn(sweep, space.finite_point(index), source, index)
        if drawn.digest not in seen:
            return replace(sweep, listed=index + 1), drawn
    return replace(sweep, listed=size), None


def _drawn(sweep: Sweep, point: Point, source: PointSource, index: int) -> Drawn:
    provenance = Provenance(source=source, seed=sweep.seed, index=index)
    return Drawn(point=point, digest=point_digest(point), provenance=provenance)
