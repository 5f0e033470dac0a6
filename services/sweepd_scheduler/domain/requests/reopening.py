"""Reopening of ended sweeps, points and runs, which are first loaded back into memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.eligibility import notify_serving
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import NotInMemoryError
from sweepd_scheduler.domain.runs.results import forget_best_of, result_of
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.runs.run_end import start_timer
from sweepd_scheduler.domain.search.study import StudyEvent
from sweepd_scheduler.domain.sweep import Ending, StoredSweep, Sweep, reopened
from sweepd_scheduler.domain.transitions import FINAL_RUN, FINAL_SWEEP, SweepState


def sweep_state(draft: Draft, name: SweepName) -> SweepState:
    """Return the state of a sweep, even if it has ended and is not in memory.

    Raises:
        NotFoundError: there is no such sweep.
    """
    key = draft.state.key_of(name)
    ended = draft.state.ended.get(key)
    return ended.state if ended is not None else draft.state.sweeps[key].state


def load_sweep(draft: Draft, name: SweepName, stored: StoredSweep | None) -> Sweep:
    """Return a sweep; load it into memory if it has ended, without reopening it.

    Raises:
        NotFoundError: there is no such sweep.
        NotInMemoryError: it has ended, and `stored` is missing or outdated.
    """
    key = draft.state.key_of(name)
    ended = draft.state.ended.get(key)
    if ended is None:
        return draft.state.sweeps[key]
    if stored is None or stored.sweep.key != key or not ended.matches(stored.sweep):
        raise NotInMemoryError(str(name), whole=True)
    draft.take_sweep(stored)
    notify_serving(draft, key)
    return stored.sweep


def reopen(draft: Draft, key: int, by: str, ending: Ending | None) -> None:
    """Reopen a sweep that has ended or is ending.

    Args:
        draft: the draft of the decision.
        key: the sweep.
        by: name of the request, for the history.
        ending: why the sweep still starts no new runs; None if it starts new runs.
    """
    before = draft.state.sweeps[key]
    sweep = reopened(before, ending, draft.now.wall)
    if sweep.state is not before.state:
        draft.record("sweep-reopened", sweep=sweep, by=by, before=before.state)
    draft.put_sweep(sweep)
    if sweep.state is not before.state:
        start_timer(draft, sweep)


def take_ended(draft: Draft, run: Run) -> None:
    """Load a final run into memory, so that it can be changed.

    Raises:
        NotInMemoryError: the run is not final, or has changed since it was read.
    """
    check_final(draft, run)
    draft.take_run(run)


def check_final(draft: Draft, run: Run) -> None:
    """Check that a run is final and has not changed since it was read.

    Raises:
        NotInMemoryError: the run is not final, or has changed.
    """
    retried = draft.state.index[run.sweep].retried
    if run.state not in FINAL_RUN or retried.get(run.number, (run.state, run.attempt)) != (
        run.state,
        run.attempt,
    ):
        raise NotInMemoryError(run.name)


def has_unfinished(draft: Draft, run: Run) -> bool:
    """Return True if any run of the same point, this one included, is not final."""
    numbers = range(run.block, run.block + draft.state.sweeps[run.sweep].spec.repeats)
    known = (draft.state.runs.get((run.sweep, number)) for number in numbers)
    return any(other and other.block == run.block and other.state not in FINAL_RUN for other in known)


def reopen_point(draft: Draft, run: Run, others: Sequence[Run]) -> None:
    """Undo the end of a point whose runs are all final, and add an observation that it is handed out again.

    Args:
        draft: the draft of the decision.
        run: one of its runs.
        others: those of its runs that stay final, so that their results count when the point ends again.

    Raises:
        NotInMemoryError: one of the others has changed since it was read.
    """
    sweep, index = draft.state.sweeps[run.sweep], draft.state.index[run.sweep]
    for other in others:
        check_final(draft, other)
    if others:
        ends = [result_of(sweep, other, other.state) for other in others]
        draft.state.undo_log.put(index.blocks, run.block, ends)
    draft.rank(run.sweep, run.block, None)
    draft.observe(run.sweep, run.block, StudyEvent.HANDED_OUT)


@dataclass(frozen=True, slots=True)
class CutPoint:
    """Point that has fewer than `repeats` runs because of the cap.

    `last`: its last run; `ended`: all its runs if all are final, else empty.
    """

    last: Run
    ended: tuple[Run, ...]


def cut_point(draft: Draft, sweep: Sweep, read: Sequence[Run]) -> CutPoint | None:
    """Return the last point of a sweep if the cap has cut it short, else None.

    Also return None if the sweep was stopped or cancelled or has failed, as the point gets no more runs then.

    Args:
        draft: the draft of the decision.
        sweep: the sweep, in memory.
        read: the last runs as stored; empty if they have not been read.

    Raises:
        NotInMemoryError: runs are missing from `read`, or have changed since they were read.
    """
    last, ended = sweep.counts.total, sweep.ending in (Ending.STOP, Ending.RETRIED)
    if sweep.spec.repeats == 1 or not last or ended or sweep.state in FINAL_SWEEP - {SweepState.FINISHED}:
        return None
    known = {run.number: run for run in read}
    run = draft.state.runs.get((sweep.key, last)) or known.get(last)
    if run is None:
        raise NotInMemoryError(str(sweep.name))
    if run.repeat + 1 == sweep.spec.repeats:
        return None
    if has_unfinished(draft, run):
        return CutPoint(run, ())
    runs = tuple(known[number] for number in range(run.block, last + 1) if number in known)
    if len(runs) != run.repeat + 1 or any(each.state not in FINAL_RUN for each in runs):
        raise NotInMemoryError(str(sweep.name))
    return CutPoint(run, runs)


def recount_point(draft: Draft, cut: CutPoint) -> None:
    """Undo the end of a point that was cut short, if it has ended, as it gets more runs."""
    if cut.ended:
        reopen_point(draft, cut.last, cut.ended)
        forget_best_of(draft, cut.last)
