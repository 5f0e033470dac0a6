"""What is looked up of runs, kept in step with them: queue, unfinished ones, rungs, ends, leases."""

from sweepd_scheduler.domain.journal import Journal
from sweepd_scheduler.domain.runs.run import FINAL, HELD, AttemptState, Run, RunState
from sweepd_scheduler.domain.state import RECENT_RUNS, State, SweepIndex, rungs_held
from sweepd_scheduler.domain.sweeps.sweep import Sweep


def index_run(state: State, before: Run | None, run: Run, now: float) -> None:
    """Take note of how a run has changed.

    Args:
        state: what is looked up; the opposite of each write goes into its journal.
        before: the run as it was, None if it is new.
        run: the run as it is.
        now: monotonic seconds, from which a new lease counts.
    """
    sweep, index = state.sweeps[run.sweep], state.index[run.sweep]
    journal = state.journal
    if before is None and run.repeat == 0:
        journal.put(index.digests, run.digest, index.digests.get(run.digest, 0) + 1)
    moved = before is None or before.state is not run.state
    if before is None or moved or before.place != run.place:
        _index_state(journal, sweep, index, run)
    if sweep.spec.early_terminate and (before is None or moved or before.values is not run.values):
        _index_rungs(journal, sweep, index, before, run)
    _index_lease(state, run, now)


def rank(journal: Journal, index: SweepIndex, number: int, value: float | None) -> None:
    """Set the value of a run that has ended, or with repeats of a point; None takes it out again."""
    ranking = index.ended
    before = ranking.put(number, value)
    journal.note(ranking.put, number, before)


def _index_state(journal: Journal, sweep: Sweep, index: SweepIndex, run: Run) -> None:
    if run.state in FINAL:
        journal.discard(index.unfinished, run.number)
        _count_ended(journal, sweep, index, run)
    else:
        journal.add(index.unfinished, run.number)
    waiting = index.pending
    if run.state is RunState.PENDING or run.number in waiting:
        before = waiting.put(run.number, run.place if run.state is RunState.PENDING else None)
        journal.note(waiting.put, run.number, before)


def _count_ended(journal: Journal, sweep: Sweep, index: SweepIndex, run: Run) -> None:
    recent = index.recent
    index.recent = (*recent, run.state is RunState.FAILED)[-RECENT_RUNS:]
    journal.note(setattr, index, "recent", recent)
    if sweep.spec.repeats == 1:
        rank(journal, index, run.number, run.value(sweep.value_kind))
    if run.number in index.again:
        journal.put(index.again, run.number, (run.state, run.attempt))


def _index_rungs(journal: Journal, sweep: Sweep, index: SweepIndex, before: Run | None, run: Run) -> None:
    was, held = rungs_held(sweep, before), rungs_held(sweep, run)
    if was == held:
        return
    for key in was:
        journal.discard(index.at_rung[key], run.number)
    for key in held:
        if key not in index.at_rung:
            journal.put(index.at_rung, key, set())
        journal.add(index.at_rung[key], run.number)


def _index_lease(state: State, run: Run, now: float) -> None:
    journal = state.journal
    held = run.state not in FINAL and run.attempts and run.newest.state in HELD
    if held and run.key not in state.heard:
        journal.put(state.heard, run.key, now)
    elif not held:
        journal.drop(state.heard, run.key)
    suspect = held and run.newest.state is AttemptState.SUSPECT
    (journal.add if suspect else journal.discard)(state.suspects, run.key)
