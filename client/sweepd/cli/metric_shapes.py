"""Logged values as JSON: points, summaries, and numbers that JSON itself has no form for."""

import math
from collections.abc import Iterator

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.objects.values import chunk_values
from sweepd.spec.point import Json


def point_shapes(series: v1.Series) -> Iterator[dict[str, Json]]:
    """Yield the points of a part of a series, in the order of their rows."""
    for chunk in series.chunks:
        stretch = zip(chunk.rows, chunk.steps, chunk.times, chunk_values(chunk), strict=True)
        for row, step, time, value in stretch:
            yield {
                "run": series.run,
                "attempt": series.attempt,
                "row": row,
                "step": step,
                "time": wall_time(time),
                "key": series.key,
                "value": real(value) if isinstance(value, float) else value,
            }


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
