"""What the agent does on everything that can happen to it: all of it in `decide`, free of I/O."""

from dataclasses import dataclass, replace

from sweepd_agent.core import leaving, serving
from sweepd_agent.core.attempt import ExitCause, Json, StopMode, StopOrder, judged
from sweepd_agent.core.batch import Turn
from sweepd_agent.core.effects import Confirm, Effect, Journal, Launch, Offer, ReportStart, Say, Stop
from sweepd_agent.core.events import (
    Asked,
    Delivered,
    DrainReceived,
    Event,
    ExitAcked,
    ExitReported,
    Fenced,
    Journalled,
    ProcessEnded,
    ProcessStarted,
    Refused,
    RoomSeen,
    StartReceived,
    StopReceived,
    StreamClosed,
    StreamOpened,
    SweepEnded,
    SweepsNamed,
    Tick,
    Verdict,
    WithheldChanged,
)
from sweepd_agent.core.state import Held, Phase, Standing, State

_FENCED = StopOrder(mode=StopMode.KILL, cause=ExitCause.HANDED_BACK, reason="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The state after an event, and what to do once it holds."""

    state: State
    effects: tuple[Effect, ...]


def decide(state: State, event: Event, now: float) -> Decision:
    """Return the agent after `event`, and what it does; `now` is monotonic.

    Only a command or a verdict, a person or the disconnection that `stop_on_disconnect` is about ever ends a
    process: a broken or refused stream does not.
    """
    if state.left:
        return Decision(state=state, effects=())
    turn = Turn(state, now)
    _happen(turn, event)
    leaving.settle(turn)
    serving.say_due(turn)
    _offer(turn)
    return Decision(state=turn.state, effects=tuple(turn.effects))


def _happen(turn: Turn, event: Event) -> None:
    match event:
        case SweepsNamed():
            turn.state = replace(turn.state, sweeps=event.sweeps, served=event.sweeps)
        case StreamOpened():
            _opened(turn, event)
        case StreamClosed():
            heard = turn.now if event.heard is None else event.heard
            since = heard if turn.state.connected else turn.state.silent_since
            turn.state = replace(turn.state, connected=False, offered=None, silent_since=since)
        case Refused():
            leaving.refused(turn, event)
        case StartReceived():
            _start(turn, event)
        case Journalled():
            _journalled(turn, event)
        case StopReceived():
            _stop(turn, event)
        case DrainReceived():
            turn.do(Confirm(event.command_id))
            leaving.drain(turn, event.reason or "drained by the scheduler", code=0)
        case Fenced():
            _fenced(turn, event)
        case WithheldChanged():
            serving.withhold(turn, event.sweep, event.withholding)
        case SweepEnded():
            serving.ended(turn, event)
        case ProcessStarted() | ProcessEnded() | ExitReported() | ExitAcked() | Delivered():
            _attempt(turn, event)
        case Asked():
            leaving.asked(turn, event.wish)
        case RoomSeen():
            turn.state = replace(turn.state, enough_room=event.enough)
        case Tick():
            pass  # deadlines are looked at after every event


def _opened(turn: Turn, event: StreamOpened) -> None:
    """Take over what the scheduler makes of each attempt, and report again what may have been lost."""
    turn.state = replace(
        turn.state, connected=True, was_connected=True, lease=event.lease, offered=None, silent_since=turn.now
    )
    serving.withheld_at_welcome(turn, event.withheld)
    for held in list(turn.state.held.values()):
        verdict = event.verdicts.get(held.key, Verdict.KEEP)
        if verdict is Verdict.STOP:
            reason = event.reasons.get(held.key)
            _fenced(turn, Fenced(held.key, reason) if reason else Fenced(held.key))
        elif verdict is Verdict.UNKNOWN:
            turn.hold(replace(held, standing=Standing.UNKNOWN, reported=False))
        else:
            acked = held.acked or verdict is Verdict.DELIVER or held.key in event.exited
            _kept(turn, replace(held, standing=Standing.KEPT, reported=False, acked=acked))


def _kept(turn: Turn, held: Held) -> None:
    if held.phase is Phase.READY and turn.state.leaving is None:
        place = turn.state.place_for_found(held.place)
        if place is None:
            turn.hold(held)
            turn.end_without_process(held, ExitCause.HANDED_BACK, "this agent has fewer slots than before")
            return
        held = replace(held, phase=Phase.STARTING, place=place)
        turn.do(Launch(held.key, place))
    turn.hold(held)
    if held.pid is not None and not held.acked:
        turn.do(ReportStart(held.key))


def _start(turn: Turn, event: StartReceived) -> None:
    key = event.assignment.key
    held = turn.find(key)
    if held is not None:  # a repeat: the first confirmation may have been lost
        if held.assignment.secret != event.assignment.secret:
            turn.do(Confirm(event.command_id, "this agent still holds another attempt of that name"))
        elif held.phase is not Phase.JOURNALLING:
            turn.do(Confirm(event.command_id))
        return
    if turn.state.leaving is not None:
        turn.do(Confirm(event.command_id, f"the agent is about to end: {turn.state.leaving.cause}"))
        return
    if turn.state.settings.runs_programs and serving.lacks_program(event.assignment):
        turn.do(Confirm(event.command_id, serving.NO_PROGRAM))
        leaving.useless(turn, f"sweep {event.assignment.sweep} {serving.NO_PROGRAM}")
        return
    free = turn.state.free_places()
    if not free:
        turn.do(Confirm(event.command_id, "no slot of this agent is free"))
        return
    for other in list(turn.state.held.values()):
        # One that has ended only delivers, as before a retry: whether it still may is the scheduler's to say.
        is_past = other.key.run == key.run and other.key.attempt < key.attempt
        if is_past and other.phase is not Phase.ENDED:
            _fenced(turn, Fenced(other.key))
    serving.given(turn, event.assignment.sweep)
    turn.hold(Held(assignment=event.assignment, phase=Phase.JOURNALLING, place=free[0]))
    turn.do(Journal(event.assignment, event.command_id))


def _journalled(turn: Turn, event: Journalled) -> None:
    held = turn.find(event.key)
    if held is None or held.phase is not Phase.JOURNALLING:
        return
    turn.do(Confirm(event.command_id, event.error))
    if (
        event.error
    ):  # nothing is offered until the disk was looked at again: the same run would come back at once
        turn.state = replace(turn.state, enough_room=False)
    if event.error or held.standing is Standing.FENCED:
        turn.drop(held.key)
    elif held.order is not None:
        turn.end_without_process(held, held.order.cause, held.order.reason)
    elif held.place is not None:
        turn.hold(replace(held, phase=Phase.STARTING))
        turn.do(Launch(held.key, held.place))


def _stop(turn: Turn, event: StopReceived) -> None:
    held = turn.find(event.key)
    if held is None:
        turn.do(Confirm(event.command_id, "this agent does not hold the attempt"))
        return
    order = StopOrder(mode=event.mode, cause=ExitCause.COMMANDED, reason=event.reason)
    turn.do(Say("command", held.key, {"command": "stop", "mode": event.mode.value, "reason": event.reason}))
    turn.stop(held, order)
    turn.do(Confirm(event.command_id))


def _fenced(turn: Turn, event: Fenced) -> None:
    held = turn.find(event.key)
    if held is None:
        return
    if held.standing is not Standing.FENCED:
        turn.do(Say("fenced", held.key, {"message": event.reason}))
    held = turn.hold(replace(held, standing=Standing.FENCED))
    if held.has_process:
        turn.stop(held, replace(_FENCED, reason=event.reason))
    else:
        turn.drop(held.key)


def _attempt(turn: Turn, event: ProcessStarted | ProcessEnded | ExitReported | ExitAcked | Delivered) -> None:
    held = turn.find(event.key)
    if held is None:
        return
    match event:
        case ProcessStarted():
            _running(turn, held, event.pid)
        case ProcessEnded() if held.phase is not Phase.ENDED:
            ending = turn.state.terminations > 0
            turn.end(held, judged(event.outcome, held.order, ending=ending), event.log_tail)
        case ExitReported():
            turn.hold(replace(held, reported=True))
        case ExitAcked():
            turn.hold(replace(held, acked=True))
        case Delivered() if held.phase is Phase.ENDED:
            turn.drop(held.key)


def _running(turn: Turn, held: Held, pid: int) -> None:
    held = turn.hold(replace(held, phase=Phase.RUNNING, pid=pid))
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
    turn.do(Say("run_started", held.key, fields), ReportStart(held.key))
    if held.order is not None:
        turn.do(Stop(held.key, held.order))


def _offer(turn: Turn) -> None:
    state = turn.state
    if state.connected and not state.left and state.offered != state.wanted:
        turn.do(Offer(state.wanted))
        turn.state = replace(state, offered=state.wanted)
