"""Points by index: the next point of a grid, list or random sequence, and the end of the search."""

from dataclasses import dataclass

from sweepd.spec.limits import INT64_MAX
from sweepd.spec.methods.proposed import Cursor, Proposed
from sweepd.spec.methods.sequence import look_ahead, next_initial, next_point
from sweepd.spec.point import Point
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.events import SearchDue
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import PointSource, Provenance
from sweepd_scheduler.domain.runs.run_end import settle
from sweepd_scheduler.domain.sweep import Ending, Sweep, ending


@dataclass(frozen=True, slots=True)
class ChosenPoint:
    """Point to hand out, with its digest and provenance."""

    point: Point
    digest: bytes
    provenance: Provenance


def _cursor(sweep: Sweep) -> Cursor:
    return Cursor(initial=sweep.initial, index=sweep.cursor, enumeration_index=sweep.enumeration_index)


def _chosen(sweep: Sweep, proposed: Proposed | None) -> ChosenPoint | None:
    if proposed is None:
        return None
    # If conditions leave wide gaps, a grid index may exceed the integer column of the provenance.
    index = min(proposed.index, INT64_MAX)
    provenance = Provenance(source=PointSource(proposed.source), seed=sweep.seed, index=index)
    return ChosenPoint(point=proposed.point, digest=proposed.digest, provenance=provenance)


IDLE_WAIT = 1.0


def draw_by_index(draft: Draft, key: int) -> ChosenPoint | None:
    """Return the next point of a sweep; None if the search has ended, or was interrupted and resumes soon."""
    index = draft.state.index[key]
    if index.searching:
        return None
    sweep = draft.state.sweeps[key]
    cursor, proposed, done = next_point(sweep.spec, _cursor(sweep), index.digests, index.size)
    _advance(draft, sweep, cursor)
    if done:
        end_search(draft, key, Ending.GRID)
    elif proposed is None:
        _search_later(draft, key)
    return _chosen(sweep, proposed)


def draw_initial(draft: Draft, key: int) -> ChosenPoint | None:
    """Return the next initial point; None if there is none."""
    sweep = draft.state.sweeps[key]
    cursor, proposed = next_initial(sweep.spec, _cursor(sweep), draft.state.index[key].digests)
    _advance(draft, sweep, cursor)
    return _chosen(sweep, proposed)


def end_if_exhausted(draft: Draft, key: int) -> bool:
    """End the search as soon as no point is left, so that `ending` is set; return True if it has ended.

    Without this check, the search would end only when the next point is requested.
    """
    sweep, index = draft.state.sweeps[key], draft.state.index[key]
    if not sweep.starts_new_runs:
        return True
    if sweep.spec.run_cap is not None and sweep.counts.total >= sweep.spec.run_cap:
        end_search(draft, key, Ending.CAP)
        return True
    if index.searching:
        return False
    cursor, left = look_ahead(sweep.spec, _cursor(sweep), index.digests, index.size)
    _advance(draft, sweep, cursor)
    if left is False:
        end_search(draft, key, Ending.GRID)
    elif left is None:
        _search_later(draft, key)
    return left is False


def end_search(draft: Draft, key: int, why: Ending) -> None:
    """End the search of a sweep for the reason `why`; the sweep starts no new runs from now on."""
    sweep = ending(draft.state.sweeps[key], why)
    draft.put_sweep(sweep)
    draft.record("sweep-ending", sweep=sweep, ending=why)
    settle(draft, key)


def resume_search(draft: Draft, event: SearchDue) -> None:
    """Allow an interrupted search to continue."""
    if event.sweep in draft.state.index:
        draft.put_searching(event.sweep, searching=False)


def _search_later(draft: Draft, key: int) -> None:
    """Schedule the search to resume: at once if a session waits for a point, else after IDLE_WAIT seconds."""
    draft.put_searching(key, searching=True)
    draft.later(0.0 if draft.state.index[key].with_capacity else IDLE_WAIT, SearchDue(key))


def _advance(draft: Draft, sweep: Sweep, cursor: Cursor) -> None:
    """Move the cursor of a sweep past the points that were drawn or skipped."""
    if _cursor(sweep) != cursor:
        advanced = replace(
            sweep, initial=cursor.initial, cursor=cursor.index, enumeration_index=cursor.enumeration_index
        )
        draft.put_sweep(advanced)
