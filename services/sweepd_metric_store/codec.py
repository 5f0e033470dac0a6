"""Translates between the contract's messages and what the metric store works with."""

from __future__ import annotations

from typing import assert_never

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd_metric_store.domain.batch import Batch, Column, Kind, RowRange, Spine, Stretch, Value, Values
from sweepd_metric_store.domain.summary import Summary
from sweepd_metric_store.ports import (
    SYSTEM,
    AttemptName,
    FileArrived,
    LogArrived,
    LogPart,
    PointsArrived,
    Stored,
    StoredFile,
)

MAX_SIZE = 2**62
# The year 10000, which no timestamp tells.
_END_OF_TIME = 253_402_300_800


def points_arrived(request: v1.AppendPointsRequest) -> PointsArrived:
    """Read a batch; whether it makes sense is for the domain to say."""
    batch = request.batch
    return PointsArrived(
        name=_system_name(request) if request.system else _name(request),
        batch=Batch(
            first_row=batch.first_row,
            last_row=batch.last_row,
            steps=batch.steps,
            times=batch.times,
            columns=[_column(column, batch) for column in batch.columns],
            dropped=[RowRange(first=span.first, last=span.last) for span in batch.dropped],
        ),
        resumed_from_step=request.resumed_from_step if request.HasField("resumed_from_step") else None,
    )


def _name(request: v1.AppendPointsRequest | v1.AppendLogRequest | v1.AppendFilesRequest) -> AttemptName:
    return AttemptName(sweep=request.sweep, run=request.run, attempt=request.attempt)


def _system_name(request: v1.AppendPointsRequest) -> AttemptName:
    return AttemptName(sweep=request.sweep + SYSTEM, run=request.run + SYSTEM, attempt=request.attempt)


def file_arrived(request: v1.AppendFilesRequest) -> FileArrived:
    """Read a piece of a file."""
    piece = request.piece
    return FileArrived(
        name=_name(request),
        number=request.number,
        file=piece.name,
        size=min(piece.size_bytes, MAX_SIZE),
        time=_unix_time(piece.modify_time),
        offset=piece.offset,
        content=piece.content,
        digest=piece.digest,
        left_out=piece.left_out,
    )


def _unix_time(time: Timestamp) -> float:
    """Return the Unix time; 0, which stands for none, where no answer could tell it."""
    unix = time.seconds + time.nanos / 1e9
    return unix if 0 <= unix < _END_OF_TIME else 0.0


def file_answer(stored: Stored) -> v1.AppendFilesResponse:
    """Say what became of a piece of a file."""
    return v1.AppendFilesResponse(
        run=stored.name.run,
        attempt=stored.name.attempt,
        number=stored.cursor,
        rejection=stored.rejection,
        refused=stored.refused,
    )


def file_message(file: StoredFile) -> v1.RunFile:
    """Return a file as people see it."""
    message = v1.RunFile(
        name=file.name,
        attempt=file.attempt,
        size_bytes=file.size,
        digest=file.digest,
        left_out=file.left_out,
    )
    if file.time:
        message.modify_time.FromNanoseconds(int(file.time * 1e9))
    return message


def _column(column: v1.Column, batch: v1.PointBatch) -> Column:
    kind, values = _values(column)
    # An index that names no key becomes the empty key, which is refused like any other that is no name.
    key = batch.keys[column.key] if column.key < len(batch.keys) else ""
    return Column(key=key, kind=kind, offsets=column.row_offsets, values=values)


def _values(holder: v1.Column | v1.SeriesChunk) -> tuple[Kind, Values]:
    match holder.WhichOneof("values"):
        case "ints":
            return Kind.INT, holder.ints.values
        case "bools":
            return Kind.BOOL, holder.bools.values
        case "strings":
            return Kind.STRING, holder.strings.values
        case _:
            return Kind.DOUBLE, holder.doubles.values


def points_answer(stored: Stored) -> v1.AppendPointsResponse:
    """Say what became of a batch."""
    return v1.AppendPointsResponse(
        run=stored.name.run,
        attempt=stored.name.attempt,
        row=stored.cursor,
        rejection=stored.rejection,
        refused=stored.refused,
    )


def log_arrived(request: v1.AppendLogRequest) -> LogArrived:
    """Read a piece of a log."""
    return LogArrived(
        name=_name(request),
        offset=request.offset,
        content=request.content,
    )


def log_answer(stored: Stored) -> v1.AppendLogResponse:
    """Say what became of a piece of a log."""
    return v1.AppendLogResponse(
        run=stored.name.run,
        attempt=stored.name.attempt,
        offset=stored.cursor,
        rejection=stored.rejection,
        refused=stored.refused,
    )


def log_part(part: LogPart) -> v1.ReadLogResponse:
    """Give a part of a log."""
    return v1.ReadLogResponse(attempt=part.attempt, offset=part.offset, content=part.content)


def spine_bytes(spine: Spine) -> bytes:
    """Encode rows, steps and times: the front of a `SeriesChunk`."""
    return v1.SeriesChunk(rows=spine.rows, steps=spine.steps, times=spine.times).SerializeToString()


def values_bytes(stretch: Stretch) -> bytes:
    """Encode the values: the back of a `SeriesChunk`. Messages laid end to end are one message."""
    chunk = v1.SeriesChunk()
    match stretch.kind:
        case Kind.DOUBLE:
            chunk.doubles.values.extend(stretch.values)  # type: ignore[arg-type] # the kind says what they are
        case Kind.INT:
            chunk.ints.values.extend(stretch.values)  # type: ignore[arg-type] # the kind says what they are
        case Kind.BOOL:
            chunk.bools.values.extend(stretch.values)  # type: ignore[arg-type] # the kind says what they are
        case Kind.STRING:
            chunk.strings.values.extend(stretch.values)  # type: ignore[arg-type] # the kind says what they are
        case _:
            assert_never(stretch.kind)
    return chunk.SerializeToString()


def chunk_bytes(stretch: Stretch) -> bytes:
    """Encode a stretch as a `SeriesChunk`."""
    return spine_bytes(stretch.spine) + values_bytes(stretch)


def stretch(body: bytes) -> Stretch:
    """Decode a `SeriesChunk`."""
    chunk = v1.SeriesChunk.FromString(body)
    kind, values = _values(chunk)
    return Stretch(
        kind=kind, spine=Spine(rows=chunk.rows, steps=chunk.steps, times=chunk.times), values=values
    )


def joined_chunks(bodies: list[bytes]) -> bytes:
    """Make one `SeriesChunk` of several whose values are of one type, in the order of their rows."""
    return v1.SeriesChunk.FromString(b"".join(bodies)).SerializeToString()


def summary_bytes(summary: Summary) -> bytes:
    """Encode a summary as a `KeySummary` without its names."""
    return v1.KeySummary(
        count=summary.count,
        non_finite_count=summary.non_finite_count,
        first=_value_message(summary.first),
        last=_value_message(summary.last),
        min=summary.minimum,
        max=summary.maximum,
        mean=summary.mean,
        last_step=summary.last_step,
    ).SerializeToString()


def summary(body: bytes, *, number_count: int) -> Summary:
    """Decode a summary; all rows that it has seen lie before any to come, so it needs no last row."""
    message = v1.KeySummary.FromString(body)
    return Summary(
        first=_value(message.first),
        last=_value(message.last),
        last_step=message.last_step,
        last_row=0,
        count=message.count,
        non_finite_count=message.non_finite_count,
        number_count=number_count,
        minimum=message.min if message.HasField("min") else None,
        maximum=message.max if message.HasField("max") else None,
        mean=message.mean if message.HasField("mean") else None,
    )


def _value_message(value: Value) -> v1.MetricValue:
    match value:
        case bool():
            return v1.MetricValue(bool_value=value)
        case int():
            return v1.MetricValue(int_value=value)
        case str():
            return v1.MetricValue(string_value=value)
        case _:
            return v1.MetricValue(double_value=value)


def _value(message: v1.MetricValue) -> Value:
    match message.WhichOneof("kind"):
        case "int_value":
            return message.int_value
        case "bool_value":
            return message.bool_value
        case "string_value":
            return message.string_value
        case _:
            return message.double_value
