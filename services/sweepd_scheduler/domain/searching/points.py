"""Points by index for a sweep: the cursor is the sweep's own, the order is that of `sweepd.spec`."""

from collections.abc import Mapping
from dataclasses import dataclass

from sweepd.spec import Point
from sweepd.spec.limits import INT64_MAX
from sweepd.spec.ordering.initial import next_initial
from sweepd.spec.ordering.proposed import Cursor, Proposed
from sweepd.spec.ordering.sequence import look_ahead, next_point
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import PointSource, Provenance
from sweepd_scheduler.domain.sweeps.sweep import Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A point to be handed out."""

    point: Point
    digest: bytes
    provenance: Provenance


def next_by_index(
    sweep: Sweep, seen: Mapping[bytes, int], size: int | None
) -> tuple[Sweep, Drawn | None, bool]:
    """Return the sweep with its cursor moved on, the next point, and whether there is none left.

    Neither a point nor the end: the search for one goes on with the next call.

    Args:
        sweep: cursor, seed and space.
        seen: how often each point was handed out.
        size: points that there are in all, None where there is no end to them or nobody can tell.
    """
    cursor, proposed, done = next_point(sweep.spec, _cursor(sweep), seen, size)
    return _at(sweep, cursor), _drawn(sweep, proposed), done


def next_of_initial(sweep: Sweep, seen: Mapping[bytes, int]) -> tuple[Sweep, Drawn | None]:
    """Return what `next_by_index` does, as long as there are initial points."""
    cursor, proposed = next_initial(sweep.spec, _cursor(sweep), seen)
    return _at(sweep, cursor), _drawn(sweep, proposed)


def anything_left(sweep: Sweep, seen: Mapping[bytes, int], size: int | None) -> tuple[Sweep, bool | None]:
    """Return the sweep past what will be skipped, and whether any point is left; None: not known yet."""
    cursor, left = look_ahead(sweep.spec, _cursor(sweep), seen, size)
    return _at(sweep, cursor), left


def _cursor(sweep: Sweep) -> Cursor:
    return Cursor(initial=sweep.initial, index=sweep.cursor, listed=sweep.listed)


def _at(sweep: Sweep, cursor: Cursor) -> Sweep:
    """Return the sweep at a cursor; itself if it is there already."""
    if (cursor.initial, cursor.index, cursor.listed) == (sweep.initial, sweep.cursor, sweep.listed):
        return sweep
    return replace(sweep, initial=cursor.initial, cursor=cursor.index, listed=cursor.listed)


def _drawn(sweep: Sweep, proposed: Proposed | None) -> Drawn | None:
    if proposed is None:
        return None
    # Where conditions leave wide gaps, a grid has places beyond what a run's record of its origin holds.
    index = min(proposed.index, INT64_MAX)
    provenance = Provenance(source=PointSource(proposed.source), seed=sweep.seed, index=index)
    return Drawn(point=proposed.point, digest=proposed.digest, provenance=provenance)
