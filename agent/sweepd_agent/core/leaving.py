"""End of an agent: causes of draining, guards, deadlines and the exit code."""

from dataclasses import replace

from sweepd.spec.wording import printable
from sweepd_agent.core.attempt import ExitCause, Json, StopMode, StopOrder
from sweepd_agent.core.events import EndRequest, Leave, LogEvent, Reason, Refusal, Refused
from sweepd_agent.core.lines import how_ended, last_lines, short_name
from sweepd_agent.core.state import FIRST_MINUTE, Batch, Failure, Leaving, Phase, Standing, State

OK, FAILURE, USAGE, NOT_FOUND, DENIED, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 6, 130
_REFUSED_CODES = {
    Refusal.AMBIGUOUS: USAGE,
    Refusal.NO_SUCH_SWEEP: NOT_FOUND,
    Refusal.SWEEP_ENDED: FAILURE,
    Refusal.BAD_TOKEN: DENIED,
    Refusal.NO_RUN: FAILURE,
    Refusal.NO_CONTEXT: NOT_FOUND,
}
# Maximum length in seconds of the last part of the grace period, in which runs get SIGTERM, then SIGKILL.
_LONGEST_MARGIN = 5.0
_LAST_REPORTS = 1.0
GUARDED = 9
"""Exit code of an agent whose guard has tripped."""
_FLAPPING = 3
_SHOWN_LINES = 3
_LONGEST_LINE = 200


def drain(batch: Batch, cause: str, *, code: int) -> None:
    """Take no new runs from now on; live runs continue to their end."""
    if batch.state.leaving is None:
        batch.state = replace(batch.state, leaving=Leaving(cause=cause, code=code))
        _log_draining(batch, cause, "runs continue to their end")


def end_requested(batch: Batch, request: EndRequest) -> None:
    """Begin to end the agent on request; escalate each time that the request is repeated."""
    if request is EndRequest.INTERRUPT:
        _interrupted(batch)
    else:
        _terminated(batch)


def refused(batch: Batch, event: Refused) -> None:
    """End the agent if another agent has replaced it, or if it has no processes; else keep reconnecting."""
    if event.refusal is Refusal.REPLACED:
        _leave(batch, FAILURE, "replaced", event.message)
    elif not batch.state.has_processes:
        if event.refusal is Refusal.SWEEP_ENDED and batch.state.was_connected:
            _finish(batch, Leaving(cause="the sweep has ended", code=OK))
        else:
            _leave(batch, _REFUSED_CODES[event.refusal], event.refusal.value, event.message)


def leave_without_program(batch: Batch, why: str) -> None:
    """End an agent that cannot run its sweep, as soon as it has no processes."""
    if batch.state.has_processes:
        drain(batch, why, code=USAGE)
    else:
        _leave(batch, USAGE, "no program", why)


def settle(batch: Batch) -> None:
    """Check the deadlines, the guards and whether anything is left to do; called after every event."""
    _stop_if_disconnected(batch)
    state = batch.state
    if state.left:
        return
    waited = state.settings.wait
    alone = not state.was_connected and not state.has_processes
    if alone and waited is not None and batch.now - state.started >= waited:
        _leave(batch, UNREACHABLE, "no server", f"no server answered within {waited:g} s")
        return
    guard = own_guard(state)
    if state.leaving is None and guard is not None:
        _trip(batch, guard)
        state = batch.state
    if state.leaving is None and state.count_left == 0 and not _any_not_ended(state):
        drain(batch, f"--count {state.settings.count} reached", code=OK)
    if state.leaving is None and not state.sweeps:
        drain(batch, "the sweep has ended", code=OK)
    if batch.state.leaving is not None:
        _advance_end(batch, batch.state.leaving)


def next_deadline(state: State, now: float) -> float | None:
    """Return the monotonic time after `now` at which the next `Tick` is due; None if there is no deadline."""
    times: list[float | None] = []
    if state.leaving is not None:
        times += [state.leaving.terminate_at, state.leaving.kill_at, state.leaving.leave_at]
    if state.settings.stop_on_disconnect and not state.connected and _to_stop(state):
        times.append(state.silent_since + state.lease)
    if state.waits:
        times += state.log_at.values()
    if not state.was_connected and state.settings.wait is not None:
        times.append(state.started + state.settings.wait)
    return min((time for time in times if time is not None and time > now), default=None)


def _interrupted(batch: Batch) -> None:
    batch.state = replace(batch.state, interrupts=batch.state.interrupts + 1)
    if batch.state.interrupts == 1:
        batch.state = replace(
            batch.state, leaving=batch.state.leaving or Leaving(cause="Ctrl-C", code=INTERRUPTED)
        )
        _log_draining(batch, "Ctrl-C", "waiting for runs to end; Ctrl-C again terminates them")
    elif batch.state.interrupts == 2:
        _log_draining(batch, "Ctrl-C", "terminating runs; Ctrl-C again kills them")
        _hand_back(batch, StopMode.TERMINATE, "Ctrl-C")
    else:
        _log_draining(batch, "Ctrl-C", "killing runs")
        _hand_back(batch, StopMode.KILL, "Ctrl-C")
    if batch.state.interrupts >= 2 and not batch.state.has_processes:
        # After a second Ctrl-C, the agent does not wait for acknowledgements.
        _set_deadlines(batch, leave_at=batch.now)


def _terminated(batch: Batch) -> None:
    batch.state = replace(batch.state, terminations=batch.state.terminations + 1)
    grace = batch.state.settings.grace
    batch.state = replace(batch.state, leaving=batch.state.leaving or Leaving(cause="SIGTERM", code=OK))
    if batch.state.terminations == 1:
        _log_draining(batch, "SIGTERM", f"runs have up to {grace:g} s to end before they are handed back")
        margin = min(_LONGEST_MARGIN, grace / 2)
        end = batch.now + grace
        _set_deadlines(
            batch, terminate_at=end - margin, kill_at=end - margin / 4, leave_at=end + _LAST_REPORTS
        )
    else:
        _log_draining(batch, "SIGTERM", "handing runs back now")
        kill_after = 2.0 if batch.state.terminations == 2 else 0.0
        kill_at = batch.now + kill_after
        _set_deadlines(batch, terminate_at=batch.now, kill_at=kill_at, leave_at=kill_at + 2 * _LAST_REPORTS)


def _log_draining(batch: Batch, cause: str, what: str) -> None:
    live = sum(held.has_process for held in batch.state.held.values())
    batch.do(LogEvent("draining", None, {"cause": cause, "runs": live, "message": what}))


def _set_deadlines(
    batch: Batch, *, leave_at: float, terminate_at: float | None = None, kill_at: float | None = None
) -> None:
    """Bring deadlines forward; a deadline is never postponed."""
    old = batch.state.leaving
    assert old is not None
    new = replace(
        old,
        terminate_at=_earlier(old.terminate_at, terminate_at),
        kill_at=_earlier(old.kill_at, kill_at),
        leave_at=_earlier(old.leave_at, leave_at),
    )
    batch.state = replace(batch.state, leaving=new)


def _earlier(old: float | None, new: float | None) -> float | None:
    return min((time for time in (old, new) if time is not None), default=None)


def _advance_end(batch: Batch, leaving: Leaving) -> None:
    if leaving.kill_at is not None and batch.now >= leaving.kill_at:
        _hand_back(batch, StopMode.KILL, leaving.cause)
    elif leaving.terminate_at is not None and batch.now >= leaving.terminate_at:
        _hand_back(batch, StopMode.TERMINATE, leaving.cause)
    _return_unstarted(batch, leaving.cause)
    state = batch.state
    overdue = leaving.leave_at is not None and batch.now >= leaving.leave_at
    if state.has_processes and not overdue:
        return
    waiting = sum(held.undelivered for held in state.held.values())
    if not waiting and not state.has_processes:
        _finish(batch, leaving)
    elif overdue:
        _finish(batch, leaving, _left_behind(waiting))
    elif leaving.leave_at is None:
        batch.state = replace(state, leaving=replace(leaving, leave_at=batch.now + state.settings.grace))


def _trip(batch: Batch, guard: str) -> None:
    """Take no new runs; end the live runs and hand them back."""
    batch.state = replace(batch.state, leaving=Leaving(cause=guard, code=GUARDED, terminate_at=batch.now))
    _log_draining(batch, guard, "ending the other runs and handing them back")


def _finish(batch: Batch, leaving: Leaving, trouble: str = "") -> None:
    """End the agent with the exit code in `leaving`; if that is 0, a guard or `trouble` overrides it."""
    code, guard = leaving.code, leaving.cause if leaving.code == GUARDED else None
    if code == OK and (guard := scheduler_guard(batch.state)) is not None:
        code = GUARDED
    parts = [] if guard is None else [guard_line(guard, batch.state.last_failure)]
    parts += [trouble] if trouble else []
    _leave(batch, code or (FAILURE if trouble else OK), leaving.cause, "; ".join(parts))


def _left_behind(runs: int) -> str:
    which = "one run" if runs == 1 else f"{runs} runs"
    return (
        f"the server has not acknowledged all data of {which}; the next agent with this --state will send "
        "the rest"
    )


def _return_unstarted(batch: Batch, cause: str) -> None:
    """While connected, hand back attempts that no agent has started but the scheduler still wants."""
    for held in list(batch.state.held.values()):
        if held.phase is Phase.READY and held.standing is Standing.KEPT and batch.state.connected:
            batch.end_without_process(held, ExitCause.HANDED_BACK, cause)


def _hand_back(batch: Batch, mode: StopMode, cause: str) -> None:
    order = StopOrder(mode=mode, cause=ExitCause.HANDED_BACK, reason=f"the agent is shutting down: {cause}")
    batch.stop_processes(order)


def _stop_if_disconnected(batch: Batch) -> None:
    state = batch.state
    if not state.settings.stop_on_disconnect or state.connected:
        return
    if batch.now - state.silent_since >= state.lease:
        reason = "the lease expired while the scheduler was unreachable"
        order = StopOrder(mode=StopMode.TERMINATE, cause=ExitCause.HANDED_BACK, reason=reason)
        batch.stop_processes(order)


def _to_stop(state: State) -> bool:
    return any(held.has_process and held.order is None for held in state.held.values())


def _any_not_ended(state: State) -> bool:
    return any(held.phase is not Phase.ENDED for held in state.held.values())


def _leave(batch: Batch, code: int, cause: str, error: str) -> None:
    batch.state = replace(batch.state, left=True)
    fields: dict[str, Json] = {"cause": cause, "exit_code": code}
    if error:
        fields["message"] = error
    batch.do(LogEvent("exiting", None, fields), Leave(code, cause, error))


def own_guard(state: State) -> str | None:
    """Return the message of a tripped guard of this agent; None if no guard has tripped."""
    settings = state.settings
    most = settings.max_failed_in_a_row
    if most is not None and state.failed_in_a_row >= most:
        runs = "1 run has failed" if most == 1 else f"{most} runs have failed in a row"
        return f"{runs} (--max-consecutive-failed-runs {most})"
    if settings.fail_fast and state.guarded_early >= _FLAPPING:
        return f"{_FLAPPING} runs have failed in the first {FIRST_MINUTE:g} s (--fail-fast)"
    least = settings.max_initial_failures
    # At most one run has ended in any other way.
    if least is not None and state.guarded >= max(least, state.ended - 1):
        return f"{state.guarded} of {state.ended} runs have failed (--fail-fast)"
    return None


def scheduler_guard(state: State) -> str | None:
    """Return a message if guards quarantine this agent in every sweep that it serves; else None."""
    sweeps = sorted(state.sweeps or state.served)
    reasons = [state.ineligible.get(sweep) for sweep in sweeps]
    if not reasons or any(one is None or one.reason is not Reason.GUARD for one in reasons):
        return None
    names = ", ".join(sweep.rpartition("/")[2] for sweep in sweeps)
    return f"the guard of {'sweep' if len(sweeps) == 1 else 'sweeps'} {names} quarantines this agent"


def guard_line(guard: str, failure: Failure | None) -> str:
    """Return one line with the guard, the end of the last failed run, and the last lines of its log."""
    if failure is None:
        return guard
    how = failure.exit
    line = f"{guard}; run {short_name(failure.key)} {how_ended(how.cause, how.code, how.signal)}"
    if how.message:
        line += f": {printable(how.message)[:_LONGEST_LINE]}"
    last = last_lines(failure.log_tail, _SHOWN_LINES)
    return f"{line}; its last lines: {' | '.join(last)}" if last else line
