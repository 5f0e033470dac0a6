"""Translation between messages of the stream and values of the agent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.codec.values import CodecError, point_from_message
from sweepd.durations import seconds_of
from sweepd_agent.core.attempt import Assignment, AttemptKey, Exit, MetricsFrom, StopMode
from sweepd_agent.core.events import Ineligibility, Reason, Verdict
from sweepd_agent.core.rows import Observation, Row, Value

_MAX_ARGV_BYTES = 64 * 1024
_MAX_MESSAGE = 2_000

_COMPATS = {v1.COMPAT_UNSPECIFIED: None, v1.COMPAT_WANDB: "wandb"}
_REASONS = {
    v1.IneligibleReason.Value(f"INELIGIBLE_REASON_{each.name}"): each
    for each in Reason
    if each is not Reason.OTHER
}
_VERDICTS = {v1.AttemptFate.Value(f"ATTEMPT_FATE_{each.name}"): each for each in Verdict}


def cursors(messages: Iterable[v1.LaneCursor]) -> dict[v1.Lane.ValueType, int]:
    """Return cursors by lane."""
    return {each.lane: each.cursor for each in messages}


def assignment(start: v1.StartRun, *, assigned_time: float) -> Assignment:
    """Return the assignment in a StartRun.

    Raises:
        CodecError: the parameters are malformed, or the run needs a `compat` module that this agent lacks.
    """
    if start.compat not in _COMPATS:
        raise CodecError(
            "compat", f"{start.compat} is not supported by this agent; a newer version may support it"
        )
    return Assignment(
        key=AttemptKey(start.run, start.attempt),
        sweep=start.sweep,
        number=start.number,
        params=point_from_message(start.parameters, "parameters"),
        program=start.program,
        command=tuple(start.command),
        watched_keys=tuple(start.watched_keys),
        rungs=frozenset(start.rungs),
        stop_grace=seconds_of(start.stop_grace),
        lost_after=seconds_of(start.lost_after),
        assigned_time=assigned_time,
        repeat=start.repeat if start.HasField("repeat") else None,
        compat=_COMPATS[start.compat],
        metrics_from=_metrics_from(start.metrics_from) if start.HasField("metrics_from") else None,
        secret=start.secret,
    )


def _metrics_from(source: v1.MetricsFrom) -> MetricsFrom:
    return MetricsFrom(stdout=source.stdout, file=source.file, tensorboard=source.tensorboard)


def ineligibility(ineligible: v1.Ineligible) -> Ineligibility | None:
    """Return the reason why a sweep gives no runs; None if it gives runs again."""
    if ineligible.reason == v1.INELIGIBLE_REASON_UNSPECIFIED:
        return None
    return Ineligibility(_REASONS.get(ineligible.reason, Reason.OTHER), ineligible.message)


def verdict(fate: v1.AttemptFate.ValueType) -> Verdict:
    """Return the verdict that a fate encodes; UNKNOWN for a fate that only later versions define."""
    return _VERDICTS.get(fate, Verdict.UNKNOWN)


def stop_mode(mode: v1.StopMode.ValueType) -> StopMode:
    """Return the mode of a stop; TERMINATE for an unknown mode."""
    return StopMode.KILL if mode == v1.STOP_MODE_KILL else StopMode.TERMINATE


def run_state(state: v1.RunState.ValueType) -> str:
    """Return the lower-case name of the state of a run."""
    return v1.RunState.Name(state).removeprefix("RUN_STATE_").lower()


def sweep_state(state: v1.SweepState.ValueType) -> str:
    """Return the lower-case name of the state of a sweep."""
    return v1.SweepState.Name(state).removeprefix("SWEEP_STATE_").lower()


def timestamp(unix: float) -> Timestamp:
    """Return a Unix time as a message."""
    message = Timestamp()
    message.FromDatetime(datetime.fromtimestamp(unix, UTC))
    return message


def run_started(
    ref: v1.AttemptRef, *, pid: int, time: float, argv: Sequence[str], resumed_from: int | None = None
) -> v1.AttachRequest:
    """Return the report that a process has started; drop arguments beyond the size limit."""
    kept = first_arguments(argv, _MAX_ARGV_BYTES)
    started = v1.RunStarted(
        attempt=ref, pid=pid, time=timestamp(time), argv=kept, resumed_from_step=resumed_from
    )
    return v1.AttachRequest(run_started=started)


def first_arguments(
    argv: Iterable[str], room: int, size: Callable[[str], int] = lambda argument: len(argument.encode())
) -> list[str]:
    """Return as many of the first arguments as fit into `room`, each measured by `size`."""
    kept: list[str] = []
    for argument in map(text, argv):
        room -= size(argument)
        if room < 0:
            break
        kept.append(argument)
    return kept


def run_exited(
    ref: v1.AttemptRef,
    how: Exit,
    *,
    last_row: int,
    logged_keys: Iterable[str],
    summary_values: Mapping[int, float],
    log_tail: str,
    log_bytes: int,
) -> v1.AttachRequest:
    """Return the report that a process has ended."""
    message = v1.Exit(
        cause=v1.ExitCause.Value(f"EXIT_CAUSE_{how.cause.name}"), message=text(how.message)[:_MAX_MESSAGE]
    )
    if how.code is not None:
        message.code = how.code
    if how.signal is not None:
        message.signal = how.signal
    exited = v1.RunExited(
        attempt=ref,
        last_row=last_row,
        exit=message,
        logged_keys=[text(key) for key in logged_keys],
        log_tail=text(log_tail)[-_MAX_MESSAGE:],
        log_bytes=log_bytes,
    )
    for key, value in sorted(summary_values.items()):
        exited.summary_values.add(key=key, value=value)
    if how.time:
        exited.time.CopyFrom(timestamp(how.time))
    return v1.AttachRequest(run_exited=exited)


def observations(
    ref: v1.AttemptRef, first_row: int, last_row: int, items: Iterable[Observation]
) -> v1.AttachRequest:
    """Return a batch of observations that covers all rows from the first to the last."""
    batch = v1.ObservationBatch(attempt=ref, first_row=first_row, last_row=last_row)
    for item in items:
        batch.observations.add(row=item.row, key=item.key, step=item.step, value=item.value)
    return v1.AttachRequest(observations=batch)


def point_batch(rows: Sequence[Row], *, first_row: int) -> v1.PointBatch:
    """Return rows as columns, one per key and type; report missing rows since `first_row` as dropped."""
    batch = v1.PointBatch()
    columns: dict[tuple[str, type], tuple[list[int], list[Value]]] = {}
    expected = first_row
    for row in rows:
        if row.number > expected:
            batch.dropped.add(first=expected, last=row.number - 1)
        expected = row.number + 1
        batch.steps.append(row.step)
        batch.times.append(row.time)
        for key, value in row.values.items():
            offsets, values = columns.setdefault((text(key), type(value)), ([], []))
            offsets.append(row.number - first_row)
            values.append(value)
    indices: dict[str, int] = {}
    for (key, kind), (offsets, values) in columns.items():
        index = indices.setdefault(key, len(indices))
        column = batch.columns.add(key=index, row_offsets=[] if len(offsets) == len(rows) else offsets)
        _fill(column, kind, values)
    batch.keys.extend(indices)
    return batch


def text(value: str) -> str:
    """Return text that a message can carry, with lone surrogates, e.g. from file names, replaced."""
    return value.encode("utf-8", "replace").decode()


def _fill(column: v1.Column, kind: type, values: Sequence[Value]) -> None:
    if kind is bool:
        column.bools.values.extend(bool(value) for value in values)
    elif kind is int:
        column.ints.values.extend(int(value) for value in values)
    elif kind is float:
        column.doubles.values.extend(float(value) for value in values)
    else:
        column.strings.values.extend(text(str(value)) for value in values)
