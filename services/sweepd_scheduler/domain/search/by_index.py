"""Points by index: the next one in the order of `sweepd.spec`, and the end of the search."""

from collections.abc import Mapping
from dataclasses import dataclass

from sweepd.spec import Point
from sweepd.spec.limits import INT64_MAX
from sweepd.spec.methods.proposed import Cursor, Proposed
from sweepd.spec.methods.sequence import look_ahead, next_initial, next_point
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.events import SearchDue
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import PointSource, Provenance
from sweepd_scheduler.domain.runs.run_end import settle
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep, ending


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPoint:
    """A point to be handed out."""

    point: Point
    digest: bytes
    provenance: Provenance


def next_by_index(
    sweep: Sweep, seen: Mapping[bytes, int], size: int | None
) -> tuple[Sweep, ChosenPoint | None, bool]:
    """Return the sweep with its cursor moved on, the next point, and whether there is none left.

    Neither a point nor the end: the search for one resumes with the next call.

    Args:
        sweep: cursor, seed and space.
        seen: how often each point was handed out.
        size: points that there are in all, None where there is no end to them or nobody can tell.
    """
    cursor, proposed, done = next_point(sweep.spec, _cursor(sweep), seen, size)
    return _at(sweep, cursor), _drawn(sweep, proposed), done


def next_of_initial(sweep: Sweep, seen: Mapping[bytes, int]) -> tuple[Sweep, ChosenPoint | None]:
    """Return what `next_by_index` does, as long as there are initial points."""
    cursor, proposed = next_initial(sweep.spec, _cursor(sweep), seen)
    return _at(sweep, cursor), _drawn(sweep, proposed)


def anything_left(sweep: Sweep, seen: Mapping[bytes, int], size: int | None) -> tuple[Sweep, bool | None]:
    """Return the sweep past what will be skipped, and whether any point is left; None: not known yet."""
    cursor, left = look_ahead(sweep.spec, _cursor(sweep), seen, size)
    return _at(sweep, cursor), left


def _cursor(sweep: Sweep) -> Cursor:
    return Cursor(initial=sweep.initial, index=sweep.cursor, enumeration_index=sweep.enumeration_index)


def _at(sweep: Sweep, cursor: Cursor) -> Sweep:
    """Return the sweep at a cursor; itself if it is there already."""
    if (cursor.initial, cursor.index, cursor.enumeration_index) == (
        sweep.initial,
        sweep.cursor,
        sweep.enumeration_index,
    ):
        return sweep
    return replace(
        sweep, initial=cursor.initial, cursor=cursor.index, enumeration_index=cursor.enumeration_index
    )


def _drawn(sweep: Sweep, proposed: Proposed | None) -> ChosenPoint | None:
    if proposed is None:
        return None
    # Where conditions leave wide gaps, a grid has places beyond what a run's record of its origin holds.
    index = min(proposed.index, INT64_MAX)
    provenance = Provenance(source=PointSource(proposed.source), seed=sweep.seed, index=index)
    return ChosenPoint(point=proposed.point, digest=proposed.digest, provenance=provenance)


IDLE_WAIT = 1.0


def draw_by_index(draft: Draft, key: int) -> ChosenPoint | None:
    """Return the next point; None when there is none, which ends the search, or none yet."""
    index = draft.state.index[key]
    if index.searching:
        return None
    sweep, drawn, done = next_by_index(draft.state.sweeps[key], index.digests, index.size)
    _put(draft, sweep)
    if done:
        end_search(draft, key, Ending.GRID)
    elif drawn is None:
        _search_later(draft, key)
    return drawn


def draw_initial(draft: Draft, key: int) -> ChosenPoint | None:
    """Return the next initial point; None when there is none."""
    sweep, drawn = next_of_initial(draft.state.sweeps[key], draft.state.index[key].digests)
    _put(draft, sweep)
    return drawn


def end_if_exhausted(draft: Draft, key: int) -> bool:
    """End the search with its last hand-out, so that `ending` shows at once; tell if it is over."""
    sweep, index = draft.state.sweeps[key], draft.state.index[key]
    if not sweep.starts_new_runs:
        return True
    if sweep.spec.run_cap is not None and sweep.counts.total >= sweep.spec.run_cap:
        end_search(draft, key, Ending.CAP)
        return True
    if index.searching:
        return False
    moved, left = anything_left(sweep, index.digests, index.size)
    _put(draft, moved)
    if left is False:
        end_search(draft, key, Ending.GRID)
    elif left is None:
        _search_later(draft, key)
    return left is False


def end_search(draft: Draft, key: int, why: Ending) -> None:
    """Start no new runs from here on."""
    sweep = ending(draft.state.sweeps[key], why)
    draft.put_sweep(sweep)
    draft.record("sweep-ending", sweep=sweep, ending=why)
    settle(draft, key)


def resume_search(draft: Draft, event: SearchDue) -> None:
    """Let the search go on that was broken off."""
    if event.sweep in draft.state.index:
        draft.put_searching(event.sweep, searching=False)


def _search_later(draft: Draft, key: int) -> None:
    """Come back at once if somebody waits for a point, else before long."""
    draft.put_searching(key, searching=True)
    draft.later(0.0 if draft.state.index[key].with_capacity else IDLE_WAIT, SearchDue(key))


def _put(draft: Draft, sweep: Sweep) -> None:
    if sweep is not draft.state.sweeps[sweep.key]:
        draft.put_sweep(sweep)
