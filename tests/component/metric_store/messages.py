"""Short forms of the requests that the scheduler sends, and of their results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sweepd import v1

SWEEP = "local/digits/s1"


def run(number: int = 1) -> str:
    return f"{SWEEP}-{number}"


def points(
    first_row: int, values: Sequence[float], *, key: str = "loss", number: int = 1, attempt: int = 1
) -> v1.AppendRequest:
    """Return a batch with one value in each row."""
    count = len(values)
    batch = v1.PointBatch(
        steps=range(first_row, first_row + count),
        times=[1.7e9] * count,
        keys=[key],
        columns=[v1.Column(key=0, doubles=v1.DoubleValues(values=values))],
    )
    return v1.AppendRequest(
        run=run(number),
        sweep=SWEEP,
        attempt=attempt,
        lane=v1.LANE_POINTS,
        start=first_row - 1,
        end=first_row + count - 1,
        body=batch.SerializeToString(),
    )


def log(offset: int, content: bytes, *, number: int = 1, attempt: int = 1) -> v1.AppendRequest:
    return v1.AppendRequest(
        run=run(number),
        sweep=SWEEP,
        attempt=attempt,
        lane=v1.LANE_LOG,
        start=offset,
        end=offset + len(content),
        body=content,
    )


def values(series: Iterable[v1.Series]) -> dict[tuple[str, int, str, int], float]:
    """Return values by run, attempt, key and row; fail if a row is repeated."""
    found: dict[tuple[str, int, str, int], float] = {}
    for each in series:
        for chunk in each.chunks:
            for row, value in zip(chunk.rows, chunk.doubles.values, strict=True):
                name = (each.run, each.attempt, each.key, row)
                assert name not in found
                found[name] = value
    return found
