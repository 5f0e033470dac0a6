"""State machine of an agent: the pure function `decide`. `wire/feed.py` processes acknowledgements."""

from dataclasses import dataclass, replace

from sweepd_agent.core import leaving, serving
from sweepd_agent.core.attempt import ExitCause, Json, StopMode, StopOrder, exit_of
from sweepd_agent.core.events import (
    Confirm,
    Delivered,
    DiskSpaceChecked,
    DrainReceived,
    Effect,
    EligibilityChanged,
    EndRequested,
    Event,
    ExitAcked,
    ExitReported,
    Fenced,
    Journal,
    Journalled,
    Launch,
    LogEvent,
    Offer,
    ProcessEnded,
    ProcessStarted,
    Refused,
    ReportStart,
    StartReceived,
    Stop,
    StopReceived,
    StreamClosed,
    StreamOpened,
    SweepEnded,
    SweepsNamed,
    Tick,
    Verdict,
)
from sweepd_agent.core.state import Batch, Held, Phase, Standing, State

_FENCED = StopOrder(mode=StopMode.KILL, cause=ExitCause.HANDED_BACK, reason="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """State after an event, and the effects to execute in that state."""

    state: State
    effects: tuple[Effect, ...]


def decide(state: State, event: Event, now: float) -> Decision:
    """Return the state of the agent after `event`, and the effects to execute; `now` is monotonic.

    A process is ended only by a command, a verdict, a guard, a person or the system, or by a disconnection
    with `stop_on_disconnect` set: never by a broken or refused stream alone.
    """
    if state.left:
        return Decision(state=state, effects=())
    batch = Batch(state, now)
    _apply(batch, event)
    leaving.settle(batch)
    serving.log_due(batch)
    _offer(batch)
    return Decision(state=batch.state, effects=tuple(batch.effects))


def _apply(batch: Batch, event: Event) -> None:
    match event:
        case SweepsNamed():
            batch.state = replace(batch.state, sweeps=event.sweeps, served=event.sweeps)
        case StreamOpened():
            _opened(batch, event)
        case StreamClosed():
            last_received = batch.now if event.last_received is None else event.last_received
            since = last_received if batch.state.connected else batch.state.silent_since
            batch.state = replace(batch.state, connected=False, offered=None, silent_since=since)
        case Refused():
            leaving.refused(batch, event)
        case StartReceived():
            _start(batch, event)
        case Journalled():
            _journalled(batch, event)
        case StopReceived():
            _stop(batch, event)
        case DrainReceived():
            batch.do(Confirm(event.command_id))
            leaving.drain(batch, event.reason or "drained by the scheduler", code=0)
        case Fenced():
            _fenced(batch, event)
        case EligibilityChanged():
            serving.set_ineligible(batch, event.sweep, event.ineligibility)
        case SweepEnded():
            serving.ended(batch, event)
        case ProcessStarted() | ProcessEnded() | ExitReported() | ExitAcked() | Delivered():
            _attempt(batch, event)
        case EndRequested():
            leaving.end_requested(batch, event.request)
        case DiskSpaceChecked():
            batch.state = replace(batch.state, enough_room=event.enough)
        case Tick():
            pass  # deadlines are checked after every event


def _opened(batch: Batch, event: StreamOpened) -> None:
    """Apply the scheduler's verdict on each attempt, and repeat reports that may have been lost."""
    batch.state = replace(batch.state, connected=True, was_connected=True, lease=event.lease, offered=None)
    serving.ineligible_at_welcome(batch, event.ineligible)
    for held in list(batch.state.held.values()):
        verdict = event.verdicts.get(held.key, Verdict.KEEP)
        if verdict is Verdict.STOP:
            reason = event.reasons.get(held.key)
            _fenced(batch, Fenced(held.key, reason) if reason else Fenced(held.key))
        elif verdict is Verdict.UNKNOWN:
            batch.hold(replace(held, standing=Standing.UNKNOWN, reported=False))
        else:
            acked = held.acked or verdict is Verdict.DELIVER or held.key in event.exited
            _kept(batch, replace(held, standing=Standing.KEPT, reported=False, acked=acked))


def _kept(batch: Batch, held: Held) -> None:
    if held.phase is Phase.READY and batch.state.leaving is None:
        place = batch.state.place_for_found(held.place)
        if place is None:
            batch.hold(held)
            batch.end_without_process(held, ExitCause.HANDED_BACK, "this agent has fewer slots than before")
            return
        held = replace(held, phase=Phase.STARTING, place=place)
        batch.do(Launch(held.key, place))
    batch.hold(held)
    if held.pid is not None and not held.acked:
        batch.do(ReportStart(held.key))


def _start(batch: Batch, event: StartReceived) -> None:
    key = event.assignment.key
    held = batch.find(key)
    if held is not None:  # a duplicate: the first confirmation may have been lost
        if held.assignment.secret != event.assignment.secret:
            batch.do(Confirm(event.command_id, "this agent still has another attempt of the same name"))
        elif held.phase is not Phase.JOURNALLING:
            batch.do(Confirm(event.command_id))
        return
    if batch.state.leaving is not None:
        batch.do(Confirm(event.command_id, f"the agent is shutting down: {batch.state.leaving.cause}"))
        return
    if batch.state.settings.runs_programs and serving.lacks_program(event.assignment):
        batch.do(Confirm(event.command_id, serving.NO_PROGRAM))
        leaving.leave_without_program(batch, f"sweep {event.assignment.sweep} {serving.NO_PROGRAM}")
        return
    free = batch.state.free_places()
    if not free:
        batch.do(Confirm(event.command_id, "this agent has no free slot"))
        return
    for other in list(batch.state.held.values()):
        # An ended attempt only has data to deliver; the scheduler decides whether to accept it.
        is_past = other.key.run == key.run and other.key.attempt < key.attempt
        if is_past and other.phase is not Phase.ENDED:
            _fenced(batch, Fenced(other.key))
    serving.handed_out(batch, event.assignment.sweep)
    batch.hold(Held(assignment=event.assignment, phase=Phase.JOURNALLING, place=free[0]))
    batch.do(Journal(event.assignment, event.command_id))


def _journalled(batch: Batch, event: Journalled) -> None:
    held = batch.find(event.key)
    if held is None or held.phase is not Phase.JOURNALLING:
        return
    batch.do(Confirm(event.command_id, event.error))
    if event.error:  # offer nothing until the next disk check, or the same run would be handed out at once
        batch.state = replace(batch.state, enough_room=False)
    if event.error or held.standing is Standing.FENCED:
        batch.drop(held.key)
    elif held.order is not None:
        batch.end_without_process(held, held.order.cause, held.order.reason)
    elif held.place is not None:
        batch.hold(replace(held, phase=Phase.STARTING))
        batch.do(Launch(held.key, held.place))


def _stop(batch: Batch, event: StopReceived) -> None:
    held = batch.find(event.key)
    if held is None:
        batch.do(Confirm(event.command_id, "this agent does not have the attempt"))
        return
    order = StopOrder(mode=event.mode, cause=ExitCause.COMMANDED, reason=event.reason)
    batch.do(
        LogEvent("command", held.key, {"command": "stop", "mode": event.mode.value, "reason": event.reason})
    )
    batch.stop(held, order)
    batch.do(Confirm(event.command_id))


def _fenced(batch: Batch, event: Fenced) -> None:
    held = batch.find(event.key)
    if held is None:
        return
    if held.standing is not Standing.FENCED:
        batch.do(LogEvent("fenced", held.key, {"message": event.reason}))
    held = batch.hold(replace(held, standing=Standing.FENCED))
    if held.has_process:
        batch.stop(held, replace(_FENCED, reason=event.reason))
    else:
        batch.drop(held.key)


def _attempt(
    batch: Batch, event: ProcessStarted | ProcessEnded | ExitReported | ExitAcked | Delivered
) -> None:
    held = batch.find(event.key)
    if held is None:
        return
    match event:
        case ProcessStarted():
            _running(batch, held, event.pid)
        case ProcessEnded() if held.phase is not Phase.ENDED:
            ending = batch.state.terminations > 0
            batch.end(held, exit_of(event.outcome, held.order, ending=ending), event.log_tail)
        case ExitReported():
            batch.hold(replace(held, reported=True))
        case ExitAcked():
            batch.hold(replace(held, acked=True))
        case Delivered() if held.phase is Phase.ENDED:
            batch.drop(held.key)


def _running(batch: Batch, held: Held, pid: int) -> None:
    held = batch.hold(replace(held, phase=Phase.RUNNING, pid=pid))
    assignment = held.assignment
    fields: dict[str, Json] = {
        "sweep": assignment.sweep,
        "params": dict(assignment.params),
        "assigned_time": assignment.assigned_time,
        "requeue_after_s": assignment.lost_after,
        "run_pid": pid,
        "repeat": assignment.repeat,
        "slot": held.place.slot if held.place is not None else None,
        "gpus": None if held.place is None or held.place.gpus is None else list(held.place.gpus),
    }
    batch.do(LogEvent("run_started", held.key, fields), ReportStart(held.key))
    if held.order is not None:
        batch.do(Stop(held.key, held.order))


def _offer(batch: Batch) -> None:
    state = batch.state
    if state.connected and not state.left and state.offered != state.wanted:
        batch.do(Offer(state.wanted))
        batch.state = replace(state, offered=state.wanted)
