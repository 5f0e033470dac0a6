"""Messages as Python values: times in UTC, numbers with their types, what is absent as None."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1

Value = float | int | bool | str | None
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_10000 = 253402300800


def time_of(stamp: Timestamp) -> datetime | None:
    """Return a time in UTC; None for one that is not set."""
    if not (stamp.seconds or stamp.nanos):
        return None
    return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def wall_time(seconds: float) -> datetime | None:
    """Return Unix seconds as a time in UTC; None for what is no time."""
    return _EPOCH + timedelta(microseconds=round(seconds * 1e6)) if 0 < seconds < _YEAR_10000 else None


def logged_value(value: v1.MetricValue) -> Value:
    """Return one logged value."""
    match value.WhichOneof("kind"):
        case "double_value":
            return value.double_value
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "string_value":
            return value.string_value
        case _:
            return None


def chunk_values(chunk: v1.SeriesChunk) -> Iterator[Value]:
    """Yield the values of a stretch of a history."""
    match chunk.WhichOneof("values"):
        case "doubles":
            yield from chunk.doubles.values
        case "ints":
            yield from chunk.ints.values
        case "bools":
            yield from chunk.bools.values
        case "strings":
            yield from chunk.strings.values
        case _:
            return
