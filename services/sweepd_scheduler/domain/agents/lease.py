"""Leases: the time for which a silent agent keeps an attempt, and the consequences of expiry.

Source: Gray, Cheriton (1989), "Leases", SOSP. Leases are measured on the monotonic clock.
"""

from sweepd_scheduler.domain import guard
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.events import ConfirmDue, LeaseDue, Timer
from sweepd_scheduler.domain.hand_out import serve_sweep
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.attempt_end import lose_attempt
from sweepd_scheduler.domain.runs.run import Attempt, Run, RunKey, attempt_moved, moved, with_attempt
from sweepd_scheduler.domain.runs.run_end import requeue
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.transitions import AttemptState, RunState


def is_moot(state: State, event: Timer) -> bool:
    """Return True if a timer has no effect: its hand-out is confirmed, or no agent holds the attempt.

    If an agent holds the attempt again later, a new timer is set.
    """
    match event:
        case ConfirmDue(key=key, attempt=attempt):
            unconfirmed = state.unconfirmed.get(key)
            return unconfirmed is None or unconfirmed.attempt != attempt
        case LeaseDue(key=key, attempt=attempt):
            run = state.runs.get(key)
            return run is None or run.attempt != attempt or key not in state.last_seen
        case _:
            return False


def lease_due(draft: Draft, event: LeaseDue) -> None:
    """Mark the attempt of a silent agent as suspect, then as lost; each held attempt has a lease timer."""
    if is_moot(draft.state, event):
        return
    run = draft.state.runs[event.key]
    timeouts = draft.state.timeouts
    silence = draft.now.monotonic - draft.state.last_seen[event.key]
    if silence >= timeouts.lost_after:
        _lose(draft, run)
    elif silence >= timeouts.lease:
        if run.newest.state is not AttemptState.SUSPECT:
            draft.put_run(with_attempt(run, attempt_moved(run.newest, AttemptState.SUSPECT)))
            draft.record("attempt-suspect", run)
        draft.later(timeouts.lost_after - silence, event)
    else:
        draft.later(timeouts.lease - silence, event)


def confirm_due(draft: Draft, event: ConfirmDue) -> None:
    """Return a hand-out to the queue if its agent has not confirmed it in time; count no requeue."""
    run = draft.state.runs.get(event.key)
    if run is not None and not is_moot(draft.state, event):
        return_unconfirmed(draft, run, f"agent {run.newest.agent} did not confirm the hand-out in time")


def return_unconfirmed(draft: Draft, run: Run, reason: str) -> None:
    """Return to the queue a hand-out that its agent has not confirmed or has refused."""
    requeue(draft, run, _given_up(draft, run, AttemptState.RETURNED, reason), reason)
    serve_sweep(draft, run.sweep)


def lift_suspicion(draft: Draft, key: RunKey) -> None:
    """Mark a suspect attempt as assigned or running again, as its agent has sent a message."""
    run = draft.state.runs.get(key)
    if run is not None and key in draft.state.suspects:
        state = AttemptState.RUNNING if run.state is RunState.RUNNING else AttemptState.ASSIGNED
        draft.put_run(with_attempt(run, attempt_moved(run.newest, state)))
        draft.record("attempt-recovered", run)


def undo_requeue(draft: Draft, run: Run) -> Run:
    """Undo the requeue of a run whose silent agent has returned, and return the run as running.

    A run that is not pending stays unchanged.
    """
    if run.state is not RunState.PENDING:
        return run
    charged = run.newest.state is AttemptState.LOST and not run.newest.preempting
    attempt = attempt_moved(run.newest, AttemptState.RUNNING)
    requeues = max(0, run.requeues - charged)
    back = replace(moved(run, RunState.RUNNING, attempt=attempt), requeues=requeues)
    draft.put_run(back)
    draft.record("run-kept", back)
    draft.later(draft.state.timeouts.lease, LeaseDue(back.key, back.attempt))
    return back


def _lose(draft: Draft, run: Run) -> None:
    timeouts = draft.state.timeouts
    reason = f"agent {run.newest.agent} on {run.newest.host} was silent for {timeouts.lost_after:g} s"
    lose_attempt(draft, run, _given_up(draft, run, AttemptState.LOST, reason), reason)
    guard.pause_if_all_quarantined(draft, run.sweep)


def _given_up(draft: Draft, run: Run, state: AttemptState, reason: str) -> Attempt:
    return attempt_moved(run.newest, state, reason=reason, end_time=draft.now.wall)
