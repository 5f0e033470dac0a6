"""Best value of a sweep over its runs, as the server reports it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sweepd import v1
from sweepd.views.values import wall_time


@dataclass(frozen=True, slots=True)
class BestSoFar:
    """A run, or with repeats a point, that has a value, and the best value up to then.

    `run` and `number` are those of the run, of a point its first run; `time` is when it ended, None while it
    goes on; `value` is its own value, and `best` the best of all up to this one.
    """

    run: str
    number: int
    time: datetime | None
    value: float
    best: float


def entries(sweep: str, part: v1.ReadSweepProgressResponse) -> Iterator[BestSoFar]:
    """Yield what a part of the answer about a sweep tells, an entry a value."""
    for number, time, value, best in zip(part.runs, part.end_times, part.values, part.bests, strict=True):
        yield BestSoFar(f"{sweep}-{number}", number, wall_time(time), value, best)
