"""How long an attempt belongs to a silent agent, and what happens when that time is over.

Leases on monotonic clocks: Gray, Cheriton (1989), "Leases", SOSP.
"""

from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.events import ConfirmDue, LeaseDue, Timer
from sweepd_scheduler.domain.hand_out.hand_out import serve_sweep
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.attempt_end import lose_attempt
from sweepd_scheduler.domain.runs.run import Attempt, Run, RunKey, attempt_moved, moved, with_attempt
from sweepd_scheduler.domain.runs.run_end import give_back
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.states import AttemptState, RunState
from sweepd_scheduler.domain.sweeps import guard


def is_moot(state: State, event: Timer) -> bool:
    """Tell whether nothing will follow from a timer, as its attempt is confirmed, or held by nobody.

    That stays so: whoever holds the attempt again sets a timer of its own.
    """
    match event:
        case ConfirmDue(key=key, attempt=attempt):
            on_its_way = state.unconfirmed.get(key)
            return on_its_way is None or on_its_way.attempt != attempt
        case LeaseDue(key=key, attempt=attempt):
            run = state.runs.get(key)
            return run is None or run.attempt != attempt or key not in state.heard
        case _:
            return False


def lease_due(turn: Draft, event: LeaseDue) -> None:
    """See how long an attempt was silent. While it is held there is always such a timer."""
    if is_moot(turn.state, event):
        return
    run = turn.state.runs[event.key]
    terms = turn.state.terms
    silence = turn.now.monotonic - turn.state.heard[event.key]
    if silence >= terms.lost_after:
        _lose(turn, run)
    elif silence >= terms.lease:
        if run.newest.state is not AttemptState.SUSPECT:
            turn.put_run(with_attempt(run, attempt_moved(run.newest, AttemptState.SUSPECT)))
            turn.note("attempt-suspect", run)
        turn.later(terms.lost_after - silence, event)
    else:
        turn.later(terms.lease - silence, event)


def confirm_due(turn: Draft, event: ConfirmDue) -> None:
    """Take a hand-out back that its agent has not confirmed in time; nobody is charged."""
    run = turn.state.runs.get(event.key)
    if run is not None and not is_moot(turn.state, event):
        give_up_unconfirmed(turn, run, f"agent {run.newest.agent} did not confirm it in time")


def give_up_unconfirmed(turn: Draft, run: Run, reason: str) -> None:
    """Take a hand-out back that its agent never had, or refused."""
    give_back(turn, run, _given_up(turn, run, AttemptState.RETURNED, reason), reason)
    serve_sweep(turn, run.sweep)


def heard_again(turn: Draft, key: RunKey) -> None:
    """Trust a suspect attempt again: its agent has said something."""
    run = turn.state.runs.get(key)
    if run is not None and key in turn.state.suspects:
        state = AttemptState.RUNNING if run.state is RunState.RUNNING else AttemptState.ASSIGNED
        turn.put_run(with_attempt(run, attempt_moved(run.newest, state)))
        turn.note("attempt-heard-again", run)


def kept(turn: Draft, run: Run) -> Run:
    """Let a late agent keep its run if it was given up and nobody else has it; return the run."""
    if run.state is not RunState.PENDING:
        return run
    charged = run.newest.state is AttemptState.LOST and not run.newest.preempting
    attempt = attempt_moved(run.newest, AttemptState.RUNNING)
    requeues = max(0, run.requeues - charged)
    back = replace(moved(run, RunState.RUNNING, attempt=attempt), requeues=requeues)
    turn.put_run(back)
    turn.note("run-kept", back)
    turn.later(turn.state.terms.lease, LeaseDue(back.key, back.attempt))
    return back


def _lose(turn: Draft, run: Run) -> None:
    terms = turn.state.terms
    reason = f"agent {run.newest.agent} on {run.newest.host} was silent for {terms.lost_after:g} s"
    lose_attempt(turn, run, _given_up(turn, run, AttemptState.LOST, reason), reason)
    guard.pause_if_all_quarantined(turn, run.sweep)


def _given_up(turn: Draft, run: Run, state: AttemptState, reason: str) -> Attempt:
    return attempt_moved(run.newest, state, reason=reason, end_time=turn.now.wall)
