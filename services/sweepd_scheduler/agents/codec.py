"""Translation between messages of the agent stream and events and commands of the core."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from sweepd import v1
from sweepd.codec.details import MAX_DETAILS_BYTES
from sweepd.codec.spec import compat_number, metrics_from_message
from sweepd.codec.values import point_message
from sweepd.metrics_file import MAX_KEY_LENGTH
from sweepd.rpc.bidi_call import MAX_BATCH
from sweepd.spec.command import active_command
from sweepd_kernel.errors import InvalidFieldError
from sweepd_kernel.rpc import limits
from sweepd_kernel.rpc.limits import ARGV, TOO_LONG, fits
from sweepd_scheduler.api.run_codec import CAUSES, RUN_STATES
from sweepd_scheduler.api.sweep_codec import SWEEP_STATES
from sweepd_scheduler.domain import effects, events
from sweepd_scheduler.domain.agents.agent import (
    AttemptRef,
    HandleEntry,
    Ineligible,
    IneligibleReason,
    Session,
    check_identity,
)
from sweepd_scheduler.domain.runs.run import Exit, ExitCause, StopMode
from sweepd_scheduler.domain.runs.values import MAX_KEYS

MAX_SLOTS = 1_024
MAX_ROW = 2**62
CHECKPOINT_KEY = 2**32 - 1
MAX_KEYS_READ = 1_000
MAX_TEXT = 2_000
MAX_DISPLAY_NAME = 1_000
MAX_TAG_CHARACTERS = 1_000
_FATES = {fate: v1.AttemptFate.Value(f"ATTEMPT_FATE_{fate.name}") for fate in effects.Fate}
_INELIGIBLE = {
    reason: v1.IneligibleReason.Value(f"INELIGIBLE_REASON_{reason.name}")
    for reason in IneligibleReason
    if reason is not IneligibleReason.NONE
} | {IneligibleReason.NONE: v1.INELIGIBLE_REASON_UNSPECIFIED}
_STOP_MODES = {mode: v1.StopMode.Value(f"STOP_MODE_{mode.name}") for mode in StopMode}


class MalformedReportError(ValueError):
    """A report cannot be decoded; the message names its kind and the reason."""


def check_hello(hello: v1.Hello) -> None:
    """Check the fields of a Hello.

    Raises:
        InvalidFieldError: a field is missing, out of range, or not supported.
    """
    limits.check(hello, "hello")
    if not 1 <= len(hello.instance) <= 64:
        raise InvalidFieldError("hello.instance", "it must have 1 to 64 characters")
    check_identity(hello.agent_id, hello.agent_secret, "hello.agent_secret")
    if not 1 <= hello.slots <= MAX_SLOTS:
        raise InvalidFieldError("hello.slots", f"{hello.slots} is not within 1 to {MAX_SLOTS}")
    if not hello.sweeps and not hello.attempts:
        raise InvalidFieldError("hello.sweeps", "no sweep is given")
    if hello.protocol_version != 1:
        raise InvalidFieldError(
            "hello.protocol_version",
            f"version {hello.protocol_version} is not supported; this server supports version 1",
        )
    handles = {held.run_handle for held in hello.attempts}
    if len(handles) != len(hello.attempts):
        raise InvalidFieldError("hello.attempts", "duplicate run_handle")


def reports_of(message: v1.AttachRequest) -> tuple[v1.AttachRequest, ...]:
    """Split a message into its reports, in order.

    Raises:
        InvalidFieldError: the message has too many reports, or one of them contains others.
    """
    if len(message.more) >= MAX_BATCH or any(each.more for each in message.more):
        raise InvalidFieldError(
            "more", f"a message may have at most {MAX_BATCH} reports, without nested reports"
        )
    return message, *message.more


def check_report(kind: str | None, request: v1.AttachRequest) -> None:
    """Check that no field of a report is too long or has too many entries; `kind`: its field in `request`.

    Raises:
        MalformedReportError: a field exceeds its limit.
    """
    found: Message | None = getattr(request, kind) if kind else None
    if found is None:
        return
    try:
        limits.check(found, kind or "")
    except InvalidFieldError as error:
        raise MalformedReportError(f"report {kind}: {error}") from None


def report(session: str, request: v1.AttachRequest) -> events.Report:
    """Decode a report for the core; `session`: the session that sent it.

    Raises:
        MalformedReportError: the report is invalid, or of an unknown kind.
    """
    match request.WhichOneof("report"):
        case "heartbeat":
            return events.Heartbeat(session, tuple(ref(each) for each in request.heartbeat.alive))
        case "offer":
            return events.Offered(session, request.offer.wanted)
        case "run_started":
            return _started(session, request.run_started)
        case "observations":
            return _observed(session, request.observations)
        case "run_exited":
            return _exited(session, request.run_exited)
        case "details":
            return _described(session, request.details)
        case "command_result":
            return events.Answered(
                session, request.command_result.command_id, request.command_result.error[:MAX_TEXT]
            )
        case other:
            raise MalformedReportError(f"report {other or 'of an unknown kind'}")


def ref(message: v1.AttemptRef) -> AttemptRef:
    """Decode a reference to an attempt."""
    return AttemptRef(message.run_handle, message.attempt)


def command_message(
    command: effects.Instruction, timeouts: events.Timeouts, session: Session | None
) -> v1.AttachResponse:
    """Return a command as a message to `session`.

    A returned Welcome lacks the windows, and the heartbeat and flush intervals; `Outboxes` adds them.
    """
    match command:
        case effects.StartRun():
            return v1.AttachResponse(start_run=_start_message(command, timeouts))
        case effects.StopRun(command=number, ref=attempt, mode=mode, reason=reason):
            stop = v1.StopRun(
                command_id=number, attempt=ref_message(attempt), mode=_STOP_MODES[mode], reason=reason
            )
            return v1.AttachResponse(stop_run=stop)
        case effects.Fenced(ref=attempt):
            return v1.AttachResponse(fenced=v1.Fenced(attempt=ref_message(attempt)))
        case effects.Unsupported(what=what):
            return unsupported_message(what)
        case effects.SweepEnded(name=name, state=state, reason=reason):
            ended = v1.SweepEnded(sweep=name, state=SWEEP_STATES[state], reason=reason)
            return v1.AttachResponse(sweep_ended=ended)
        case Ineligible():
            return v1.AttachResponse(ineligible=_ineligible_message(command))
        case effects.Welcome(verdicts=verdicts, ineligible=ineligible):
            welcome = v1.Welcome(
                session=session.id if session else "",
                lease_duration=duration(timeouts.lease),
                lost_after=duration(timeouts.lost_after),
                verdicts=[_verdict_message(verdict) for verdict in verdicts],
                ineligible=[_ineligible_message(each) for each in ineligible],
            )
            return v1.AttachResponse(welcome=welcome)


def unsupported_message(what: str) -> v1.AttachResponse:
    """Return the answer to a report that cannot be decoded or is invalid."""
    return v1.AttachResponse(unsupported=v1.Unsupported(report=what))


def append_request(piece: v1.LanePiece, of: HandleEntry, resumed_from_step: int | None) -> v1.AppendRequest:
    """Return a piece of a lane as a request to the metric store, without decoding its body.

    Args:
        piece: the piece.
        of: the attempt that sent the piece.
        resumed_from_step: last step of the checkpoint that the attempt resumed from; None: it did not resume.
    """
    return v1.AppendRequest(
        run=of.run,
        sweep=of.sweep,
        attempt=of.attempt,
        lane=piece.lane,
        start=piece.start,
        end=piece.end,
        body=piece.body,
        resumed_from_step=resumed_from_step,
    )


def ref_message(attempt: AttemptRef) -> v1.AttemptRef:
    """Return a reference to an attempt as a message."""
    return v1.AttemptRef(run_handle=attempt.handle, attempt=attempt.attempt)


def duration(seconds: float) -> Duration:
    """Return an interval in seconds as a message."""
    whole = int(seconds)
    return Duration(seconds=whole, nanos=int((seconds - whole) * 1e9))


def _started(session: str, message: v1.RunStarted) -> events.Started:
    argv = tuple(message.argv) if fits(message.argv, ARGV) else TOO_LONG
    return events.Started(
        session=session,
        ref=ref(message.attempt),
        argv=argv,
        resumed_from_step=message.resumed_from_step if message.HasField("resumed_from_step") else None,
    )


def _observed(session: str, message: v1.ObservationBatch) -> events.Observed:
    rows = [each.row for each in message.observations]
    inside = not rows or (rows[0] >= message.first_row and rows[-1] <= message.last_row)
    if not 1 <= message.first_row <= message.last_row <= MAX_ROW or not inside or rows != sorted(rows):
        raise MalformedReportError("report observations: its rows are out of order or out of range")
    return events.Observed(
        session=session,
        ref=ref(message.attempt),
        first_row=message.first_row,
        last_row=message.last_row,
        observations=tuple(
            events.Observation(each.row, each.value, each.step if each.key == CHECKPOINT_KEY else None)
            for each in message.observations
            if each.key in (0, CHECKPOINT_KEY)
        ),
    )


def _exited(session: str, message: v1.RunExited) -> events.Exited:
    ended = message.exit
    if ended.cause not in CAUSES or max(message.last_row, message.log_bytes) > MAX_ROW:
        size = f"last row {message.last_row}, {message.log_bytes} bytes of log"
        raise MalformedReportError(f"report run_exited: invalid cause or size: cause {ended.cause}, {size}")
    cause = CAUSES[ended.cause]
    return events.Exited(
        session=session,
        ref=ref(message.attempt),
        last_row=message.last_row,
        exit=Exit(
            cause=cause,
            code=ended.code if ended.HasField("code") else 0 if cause is ExitCause.EXITED else None,
            signal=ended.signal if ended.HasField("signal") else None,
            message=ended.message[:MAX_TEXT],
        ),
        logged_keys=_logged_keys(message.logged_keys),
        log_tail=message.log_tail[-MAX_TEXT:],
        time=message.time.ToMicroseconds() if message.HasField("time") else 0,
        log_bytes=message.log_bytes if message.HasField("log_bytes") else None,
        summary_value=next((each.value for each in message.summary_values if each.key == 0), None),
    )


def _logged_keys(keys: Sequence[str]) -> tuple[str, ...]:
    """Return at most MAX_KEYS of the keys, sorted, without overlong ones; agents observe these limits."""
    return tuple(sorted(key for key in keys[:MAX_KEYS_READ] if len(key) <= MAX_KEY_LENGTH)[:MAX_KEYS])


def _described(session: str, message: v1.DetailsReport) -> events.Described:
    body = message.details.SerializeToString()
    if len(body) > MAX_DETAILS_BYTES or not 1 <= message.sequence <= MAX_ROW:
        size = f"{len(body)} bytes, sequence {message.sequence}"
        raise MalformedReportError(f"report details: invalid size or sequence: {size}")
    return events.Described(
        session=session,
        ref=ref(message.attempt),
        sequence=message.sequence,
        body=body,
        preempting=message.details.preempting,
        display_name=message.details.display_name[:MAX_DISPLAY_NAME],
        tags=tags_that_fit(message.details.tags),
    )


def tags_that_fit(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the first tags of a run, up to MAX_TAG_CHARACTERS in total; no tag is truncated."""
    sizes = accumulate(len(tag) + 1 for tag in tags)
    return tuple(tag for tag, size in zip(tags, sizes, strict=True) if size <= MAX_TAG_CHARACTERS)


def _start_message(command: effects.StartRun, timeouts: events.Timeouts) -> v1.StartRun:
    sweep, run = command.sweep, command.run
    metric = sweep.spec.metric
    return v1.StartRun(
        command_id=command.command,
        run_handle=command.ref.handle,
        run=run.name,
        sweep=str(sweep.name),
        number=run.number,
        attempt=command.ref.attempt,
        parameters=point_message(run.point),
        program=sweep.spec.program or "",
        command=active_command(sweep.spec, run.point),
        watched_keys=[metric.name] if metric else [],
        rungs=sweep.rungs,
        stop_grace=duration(timeouts.stop_grace),
        lost_after=duration(timeouts.lost_after),
        repeat=run.repeat if sweep.spec.repeats > 1 else None,
        compat=compat_number(sweep.spec.compat),
        metrics_from=metrics_from_message(sweep.spec.metrics_from) if sweep.spec.metrics_from else None,
        secret=command.secret,
    )


def _ineligible_message(ineligible: Ineligible) -> v1.Ineligible:
    return v1.Ineligible(
        sweep=ineligible.sweep, reason=_INELIGIBLE[ineligible.reason], message=ineligible.message[:MAX_TEXT]
    )


def _verdict_message(verdict: effects.AttemptVerdict) -> v1.AttemptVerdict:
    return v1.AttemptVerdict(
        attempt=ref_message(verdict.ref),
        fate=_FATES[verdict.fate],
        cursors=cursor_messages(known_cursors(verdict.observation_row, verdict.details_sequence)),
        exited=verdict.exited,
        run_state=RUN_STATES[verdict.run_state] if verdict.run_state else v1.RUN_STATE_UNSPECIFIED,
        reason=verdict.reason,
    )


def known_cursors(observation_row: int | None, details_sequence: int | None) -> dict[v1.Lane.ValueType, int]:
    """Return the cursors of the lanes that the scheduler stores itself, by lane; leave out None."""
    cursors = {v1.LANE_OBSERVATIONS: observation_row, v1.LANE_DETAILS: details_sequence}
    return {lane: cursor for lane, cursor in cursors.items() if cursor is not None}


def cursor_messages(cursors: Mapping[v1.Lane.ValueType, int]) -> list[v1.LaneCursor]:
    """Return cursors as messages."""
    return [v1.LaneCursor(lane=lane, cursor=cursor) for lane, cursor in cursors.items()]
