"""Conversion of values in messages to Python and JSON values; times are in UTC."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.spec.point import Json

Value = float | int | bool | str | None
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_10000 = 253402300800


def time_of(stamp: Timestamp) -> datetime | None:
    """Return a timestamp as a time in UTC; None if it is unset."""
    if not (stamp.seconds or stamp.nanos):
        return None
    return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def wall_time(seconds: float) -> datetime | None:
    """Return Unix seconds as a time in UTC; None if out of range."""
    return _EPOCH + timedelta(microseconds=round(seconds * 1e6)) if 0 < seconds < _YEAR_10000 else None


def logged_value(value: v1.MetricValue) -> Value:
    """Return a logged value as a Python value."""
    kind = value.WhichOneof("kind")
    return None if kind is None else cast("Value", getattr(value, kind))


def chunk_values(chunk: v1.SeriesChunk) -> Iterator[Value]:
    """Yield the values of a chunk of a series."""
    kind = chunk.WhichOneof("values")
    if kind is not None:
        yield from getattr(chunk, kind).values


def point_shapes(series: v1.Series) -> Iterator[dict[str, Json]]:
    """Yield the points of a series, or of a part of it, as JSON in the order of their rows."""
    for chunk in series.chunks:
        stretch = zip(chunk.rows, chunk.steps, chunk.times, chunk_values(chunk), strict=True)
        for row, step, time, value in stretch:
            yield {
                "run": series.run,
                "attempt": series.attempt,
                "row": row,
                "step": step,
                "time": plain_json(wall_time(time)),
                "key": series.key,
                "value": plain_json(value),
            }


def plain_json(value: object) -> Json:
    """Return a value as strict JSON: times in RFC 3339, non-finite floats as text."""
    match value:
        case float():
            return real(value)
        case list():
            return [plain_json(item) for item in value]
        case dict():
            return {name: plain_json(item) for name, item in value.items()}
        case Timestamp():
            return value.ToJsonString()
        case datetime():
            stamp = Timestamp()
            stamp.FromDatetime(value)
            return stamp.ToJsonString()
        case _:
            return cast("Json", value)


def json_row(row: Mapping[str, object]) -> dict[str, Json]:
    """Return a row of Python values as JSON."""
    return {name: plain_json(value) for name, value in row.items()}


def real(value: float) -> Json:
    """Return a float as JSON; a non-finite float as text."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
