"""Logged values as JSON: points, summaries, and numbers that JSON itself has no form for."""

import math
from collections.abc import Iterator

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.spec.point import Json


def point_shapes(series: v1.Series) -> Iterator[dict[str, Json]]:
    """Yield the points of a part of a series, in the order of their rows."""
    for chunk in series.chunks:
        for row, step, time, value in zip(chunk.rows, chunk.steps, chunk.times, _values(chunk), strict=True):
            yield {
                "run": series.run,
                "attempt": series.attempt,
                "row": row,
                "step": step,
                "time": wall_time(time),
                "key": series.key,
                "value": value,
            }


def metric_value(value: v1.MetricValue) -> Json:
    """Return one logged value."""
    match value.WhichOneof("kind"):
        case "double_value":
            return real(value.double_value)
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "string_value":
            return value.string_value
        case _:
            return None


def real(value: float) -> Json:
    """Return a float as JSON has it: non-finite ones as words."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def wall_time(seconds: float) -> str | None:
    """Return Unix seconds as RFC 3339 in UTC; None for what is no time."""
    if not 0 < seconds < 253402300800:  # the year 10000
        return None
    stamp = Timestamp()
    stamp.FromMicroseconds(round(seconds * 1e6))
    return stamp.ToJsonString()


def _values(chunk: v1.SeriesChunk) -> Iterator[Json]:
    match chunk.WhichOneof("values"):
        case "doubles":
            yield from map(real, chunk.doubles.values)
        case "ints":
            yield from chunk.ints.values
        case "bools":
            yield from chunk.bools.values
        case "strings":
            yield from chunk.strings.values
        case _:
            return
