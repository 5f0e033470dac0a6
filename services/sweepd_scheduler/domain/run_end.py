"""How a run ends, or goes back to be handed out again, and what its sweep and its study learn from it."""

from dataclasses import replace

from sweepd.spec import Method
from sweepd_scheduler.domain.decision import LogLine, Outcome, StudyEvent, StudyNoted, SweepEnded
from sweepd_scheduler.domain.holding import unplace
from sweepd_scheduler.domain.objective import missing_sentence, one_more, pause_sentence
from sweepd_scheduler.domain.run import Attempt, Run, RunState, moved, with_attempt
from sweepd_scheduler.domain.sweep import Ending, Sweep, SweepState, settled
from sweepd_scheduler.domain.sweep import moved as sweep_moved
from sweepd_scheduler.domain.turn import Turn

FAILED_BEFORE_PAUSE = 5

_OUTCOMES = {
    RunState.FINISHED: Outcome.FINISHED,
    RunState.STOPPED: Outcome.STOPPED,
    RunState.FAILED: Outcome.FAILED,
    RunState.CRASHED: Outcome.NOTHING,
    RunState.KILLED: Outcome.NOTHING,
}


def end(turn: Turn, run: Run, state: RunState, reason: str, *, attempt: Attempt | None = None) -> None:
    """Bring a run into a final state.

    Args:
        turn: the decision in the making.
        run: the run as it was.
        state: the final state.
        reason: one sentence, may be empty.
        attempt: its newest attempt as it ended; None if it ended before.
    """
    sweep = turn.state.sweeps[run.sweep]
    if sweep.spec.method is Method.BAYES:
        turn.observe(_ended(run, state))
        if run.start_time:
            turn.add_duration(run.sweep, (turn.now.wall - run.start_time) / 1e6)
    ended = moved(with_attempt(run, attempt) if attempt else run, state, reason=reason, now=turn.now.wall)
    unplace(turn, run.key, exited=state if attempt and attempt.exit else None)
    turn.note(f"run-{state}", ended, reason=reason)
    turn.put_run(replace(ended, stop=None))
    if state is RunState.FAILED:
        _guard(turn, run.sweep, reason)
    settle(turn, run.sweep)


def give_back(turn: Turn, run: Run, attempt: Attempt, reason: str, *, charged: bool) -> None:
    """Put a run in front of the queue, to be handed out again; or end it if its sweep hands out nothing more.

    Args:
        turn: the decision in the making.
        run: the run as it was.
        attempt: its newest attempt as it ended, or was given up.
        reason: one sentence.
        charged: whether this counts as one of the requeues.
    """
    sweep = turn.state.sweeps[run.sweep]
    if sweep.state is SweepState.CANCELLED:
        end(turn, run, RunState.KILLED, "the sweep was cancelled", attempt=attempt)
    elif sweep.ending is Ending.STOP:
        end(turn, run, RunState.STOPPED, f"{reason}; the sweep was stopped", attempt=attempt)
    elif run.stop is not None:
        end(turn, run, RunState.STOPPED, run.stop.reason, attempt=attempt)
    else:
        unplace(turn, run.key, exited=RunState.PENDING if attempt.exit else None)
        waiting = moved(with_attempt(run, attempt), RunState.PENDING, reason=reason)
        turn.put_run(replace(waiting, requeues=run.requeues + charged, place=0))
        turn.note("run-requeued", waiting, reason=reason)


def lint(turn: Turn, run: Run) -> str:
    """Notice that a run ended well without ever logging the objective; return a sentence, or nothing."""
    sweep = turn.state.sweeps[run.sweep]
    metric = sweep.spec.metric
    if metric is None or run.values.iterations:
        return ""
    if run.values.logged or metric.name in run.logged_keys:
        return f"your script logged `{metric.name}`, but never as a finite number"
    missing = one_more(sweep.objective_missing, run.logged_keys)
    sweep = replace(sweep, objective_missing=missing)
    pausable = sweep.state in (SweepState.RUNNING, SweepState.PENDING)
    if missing.pauses and not sweep.objective_seen and pausable:
        _pause(turn, sweep, pause_sentence(metric, missing))
    else:
        turn.put_sweep(sweep)
    return missing_sentence(metric, run.logged_keys)


def _guard(turn: Turn, key: int, reason: str) -> None:
    """Pause a sweep whose first runs have all failed: what is wrong would fail the others too."""
    sweep = turn.state.sweeps[key]
    if (
        sweep.starts_new_runs
        and sweep.counts.ended == sweep.counts.of(RunState.FAILED) == FAILED_BEFORE_PAUSE
    ):
        _pause(
            turn,
            sweep,
            f"the first {FAILED_BEFORE_PAUSE} runs have all failed, the last one because: {reason}; "
            "mend it, then resume",
        )


def _pause(turn: Turn, sweep: Sweep, reason: str) -> None:
    paused = sweep_moved(sweep, SweepState.PAUSED, reason=reason)
    turn.note("sweep-paused", sweep=paused, reason=reason)
    turn.effects.append(LogLine(f"{sweep.name} is paused: {reason}"))
    turn.put_sweep(paused)


def settle(turn: Turn, key: int) -> None:
    """Bring a sweep that is ending to its final state once no run of it can go on."""
    before = turn.state.sweeps.get(key)
    if before is None:
        return
    sweep = settled(before, turn.now.wall)
    if sweep is not before:
        turn.note(f"sweep-{sweep.state}", sweep=sweep, reason=sweep.reason)
        tell_ended(turn, sweep)
        turn.put_sweep(sweep)


def tell_ended(turn: Turn, sweep: Sweep) -> None:
    """Tell every session that serves a sweep that nothing more will come of it."""
    for session in turn.state.index[sweep.key].serving:
        turn.tell(session, SweepEnded(str(sweep.name), sweep.state, sweep.reason))


def _ended(run: Run, state: RunState) -> StudyNoted:
    return StudyNoted(
        sweep=run.sweep,
        number=0,
        run=run.number,
        event=StudyEvent.ENDED,
        iterations=run.values.iterations,
        value=run.values.best,
        worst=run.values.worst,
        last=run.values.last,
        outcome=_OUTCOMES[state],
    )
