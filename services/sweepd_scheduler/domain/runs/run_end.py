"""Ends of runs and of their sweeps, requeues, and the timeout of a sweep.

`sweep_timeout` counts from the first hand-out, and anew from each time that a person reopens the ended sweep.
Its timer runs on the monotonic clock; after a restart, the remaining time is computed from the wall clock.
"""

from collections.abc import Iterator

from sweepd.spec.sweep_spec import Metric
from sweepd_scheduler.domain import guard
from sweepd_scheduler.domain.agents.placement import unplace
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import RUNS_PER_STEP, LogLine, Steps, SweepEnded
from sweepd_scheduler.domain.eligibility import waits_for_canary
from sweepd_scheduler.domain.events import SECOND, ClockReading, TimeoutDue
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.results import run_ending
from sweepd_scheduler.domain.runs.run import Attempt, Run, moved
from sweepd_scheduler.domain.runs.values import missing_sentence, pause_sentence, with_one_more
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.sweep import Ending, PauseCause, Sweep, settled
from sweepd_scheduler.domain.sweep import moved as sweep_moved
from sweepd_scheduler.domain.sweep import stopped as sweep_stopped
from sweepd_scheduler.domain.transitions import FINAL_SWEEP, RunState, SweepState


def end(draft: Draft, run: Run, state: RunState, reason: str, *, attempt: Attempt | None = None) -> None:
    """Move a run to a final state.

    Args:
        draft: the draft of the decision.
        run: the run before the change.
        state: the final state.
        reason: one sentence, may be empty.
        attempt: its newest attempt, already ended; None if that attempt had ended before, or there is none.
    """
    run_ending(draft, run, state)
    if draft.state.sweeps[run.sweep].learns and run.start_time:
        draft.add_duration(run.sweep, (draft.now.wall - run.start_time) / SECOND)
    # The end of a standalone run may be reported late, so the time that its agent recorded counts.
    now = attempt.end_time if attempt and run.is_standalone else draft.now.wall
    ended = moved(run, state, attempt=attempt, reason=reason, now=now)
    unplace(draft, run.key, exited=state if attempt and attempt.exit else None)
    draft.record(f"run-{state}", ended, reason=reason)
    draft.put_run(replace(ended, stop=None) if ended.stop else ended)
    _judge_sweep(draft, ended, reason)
    settle(draft, run.sweep)


def _judge_sweep(draft: Draft, run: Run, reason: str) -> None:
    """Fail a sweep whose canary failed, or pause it if too many of its runs fail."""
    sweep = draft.state.sweeps.get(run.sweep)
    if sweep is None or run.is_standalone:
        return
    metric = sweep.spec.metric
    if metric is not None and canary_failed(sweep, run):
        fail_sweep(draft, run.sweep, canary_sentence(metric, run, reason))
    elif run.state is RunState.FAILED:
        guard.run_failed(draft, run, reason)


def requeue(
    draft: Draft, run: Run, attempt: Attempt, reason: str, *, requeues: int = 0, failures: int = 0
) -> None:
    """Put a run at the front of the queue; end it if it can no longer be handed out.

    Args:
        draft: the draft of the decision.
        run: the run before the change.
        attempt: its newest attempt, already ended or given up.
        reason: one sentence.
        requeues: 1 to count this as a requeue after the loss of an agent, else 0.
        failures: 1 to count this as a retry after a failure, else 0.
    """
    sweep = draft.state.sweeps[run.sweep]
    if run.is_standalone:
        end(draft, run, RunState.CRASHED, reason, attempt=attempt)
    elif sweep.state is SweepState.CANCELLED:
        end(draft, run, RunState.KILLED, "the sweep was cancelled", attempt=attempt)
    elif sweep.state in FINAL_SWEEP:
        end(draft, run, RunState.STOPPED, f"{reason}; the sweep is {sweep.state}", attempt=attempt)
    elif sweep.ending is Ending.STOP:
        end(draft, run, RunState.STOPPED, f"{reason}; the sweep was stopped", attempt=attempt)
    elif run.stop is not None:
        end(draft, run, RunState.STOPPED, run.stop.reason, attempt=attempt)
    else:
        unplace(draft, run.key, exited=RunState.PENDING if attempt.exit else None)
        waiting = replace(
            moved(run, RunState.PENDING, attempt=attempt, reason=reason),
            requeues=run.requeues + requeues,
            failures=run.failures + failures,
            place=0,
        )
        draft.put_run(waiting)
        draft.record("run-requeued", waiting, reason=reason)


def check_objective(draft: Draft, run: Run) -> str:
    """Return a sentence if a finished run never logged the objective as a finite number, else "".

    If too many runs in a row have not logged it, pause the sweep.
    """
    sweep = draft.state.sweeps[run.sweep]
    metric = sweep.spec.metric
    if metric is None or run.values.best is not None:
        return ""
    if run.values.logged or metric.name in run.logged_keys:
        return f"your script logged `{metric.name}`, but never as a finite number"
    missing = with_one_more(sweep.objective_missing, run.logged_keys)
    sweep = replace(sweep, objective_missing=missing)
    pausable = sweep.state in (SweepState.RUNNING, SweepState.PENDING)
    if missing.pauses and not sweep.objective_seen and pausable:
        guard.pause(draft, sweep, PauseCause.OBJECTIVE_MISSING, pause_sentence(metric, missing))
    else:
        draft.put_sweep(sweep)
    return missing_sentence(metric, run.logged_keys)


def stop_sweep(draft: Draft, key: int, reason: str) -> Steps[Sweep]:
    """Hand out no more runs of a sweep, end its pending runs, and let live runs finish; return the sweep."""
    draft.put_sweep(replace(sweep_stopped(draft.state.sweeps[key]), reason=reason))
    waiting = sorted(draft.state.index[key].pending)
    for done, number in enumerate(waiting, 1):
        end(draft, draft.state.runs[(key, number)], RunState.STOPPED, "the sweep was stopped")
        if done % RUNS_PER_STEP == 0:
            yield
    settle(draft, key)
    if key in draft.state.sweeps:
        send_sweep_ended(draft, draft.state.sweeps[key])
    return draft.sweep(key)


def fail_sweep(draft: Draft, key: int, reason: str) -> None:
    """Fail a sweep at once, as its canary has failed; end its pending runs and let live runs finish."""
    failed = sweep_moved(draft.state.sweeps[key], SweepState.FAILED, reason=reason, now=draft.now.wall)
    failed = replace(failed, ending=None)
    draft.record("sweep-failed", sweep=failed, reason=reason)
    draft.effects.append(LogLine(f"{failed.name} has failed: {reason}"))
    send_sweep_ended(draft, failed)
    waiting = sorted(draft.state.index[key].pending)
    draft.put_sweep(failed)
    for number in waiting:
        end(draft, draft.state.runs[(key, number)], RunState.STOPPED, "the sweep has failed")


def settle(draft: Draft, key: int) -> None:
    """Move a sweep that is ending to its final state, if all of its runs are final."""
    before = draft.state.sweeps.get(key)
    if before is None:
        return
    sweep = settled(before, draft.now.wall)
    if sweep is not before:
        draft.record(f"sweep-{sweep.state}", sweep=sweep, reason=sweep.reason)
        send_sweep_ended(draft, sweep)
        draft.put_sweep(sweep)


def send_sweep_ended(draft: Draft, sweep: Sweep) -> None:
    """Notify every session that serves a sweep of its end."""
    for session in draft.state.index[sweep.key].serving:
        draft.send(session, SweepEnded(str(sweep.name), sweep.state, sweep.reason))


def canary_failed(sweep: Sweep, run: Run) -> bool:
    """Return True if a run that has just ended was the canary, and ended without logging the objective."""
    is_active = sweep.state not in FINAL_SWEEP and sweep.ending is not Ending.STOP
    return waits_for_canary(sweep) and is_active and bool(run.attempts)


def canary_sentence(metric: Metric, run: Run, reason: str) -> str:
    """Return a sentence that explains why the sweep fails because of its canary.

    Args:
        metric: the objective.
        run: the canary, in its final state.
        reason: why the run ended, may be empty.
    """
    if run.state is not RunState.FINISHED:
        why = f": {reason}" if reason else ""
        return f"the canary run {run.number} {_CANARY_ENDS[run.state]} before it logged `{metric.name}`{why}"
    if run.values.logged or metric.name in run.logged_keys:
        return f"the canary run {run.number} logged `{metric.name}`, but never as a finite number"
    return f"the canary run {run.number} has ended: {missing_sentence(metric, run.logged_keys)}"


_CANARY_ENDS = {
    RunState.FAILED: "failed",
    RunState.CRASHED: "crashed",
    RunState.STOPPED: "was stopped",
    RunState.KILLED: "was killed",
}


def timeout_due(draft: Draft, event: TimeoutDue) -> Steps[None]:
    """Stop a sweep whose timeout has passed; ignore a timer set before the sweep was last reopened."""
    sweep = draft.state.sweeps.get(event.sweep)
    if sweep is None or sweep.state in FINAL_SWEEP or sweep.ending is Ending.STOP:
        return
    if sweep.spec.sweep_timeout is not None and sweep.timed_from == event.timed_from:
        reason = f"sweep_timeout of {in_words(sweep.spec.sweep_timeout)} has passed"
        draft.record("sweep-timeout", sweep=sweep, reason=reason)
        yield from stop_sweep(draft, event.sweep, reason)


def start_timer(draft: Draft, sweep: Sweep) -> None:
    """Set the timer of a started sweep to the remaining time of its timeout."""
    if sweep.spec.sweep_timeout is not None and sweep.timed_from:
        draft.later(_left(sweep, draft.now.wall), TimeoutDue(sweep.key, sweep.timed_from))


def first_timeouts(state: State, now: ClockReading) -> Iterator[tuple[float, TimeoutDue]]:
    """Yield the timers to set after a restart, one for each started sweep that has a timeout."""
    for sweep in state.sweeps.values():
        if sweep.spec.sweep_timeout is not None and sweep.timed_from:
            left = _left(sweep, now.wall)
            yield now.monotonic + left, TimeoutDue(sweep.key, sweep.timed_from)


def in_words(seconds: float) -> str:
    """Format a duration for people: `1h30m`, `1m30s`."""
    whole = int(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"))
    text = "".join(f"{count}{unit}" for count, unit in parts if count)
    rest = seconds - whole // 60 * 60
    return f"{text}{rest:g}s" if rest or not text else text


def _left(sweep: Sweep, wall: int) -> float:
    """Return the sweep timeout's remaining seconds, capped in case the clock was set back."""
    limit = sweep.spec.sweep_timeout or 0.0
    return min(limit, max(0.0, limit - (wall - sweep.timed_from) / SECOND))
