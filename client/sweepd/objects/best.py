"""How the best value came about, run by run: the one place where this is worked out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import mean, median

from sweepd import v1
from sweepd.calls.states import run_state
from sweepd.objects.values import time_of
from sweepd.states import FINAL_RUN

_COUNTED = ("finished", "stopped")
_LAST = datetime.max.replace(tzinfo=UTC)


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


def best_so_far(spec: v1.SweepSpec, runs: Iterable[v1.Run]) -> list[BestSoFar]:
    """Return the values of a sweep in the order in which its runs ended, live ones last.

    Which values count is the server's rule: with `metric.value: best` those of live runs do, too; with
    repeats those of points all of whose runs have ended, and of these only the good ends.
    """
    if spec.repeats > 1:
        values = _points(spec, list(runs))
    else:
        at_once = spec.metric.value in (v1.OBJECTIVE_VALUE_UNSPECIFIED, v1.OBJECTIVE_VALUE_BEST)
        values = [
            (run, time_of(run.end_time), run.value)
            for run in runs
            if run.HasField("value") and (at_once or run_state(run) in FINAL_RUN)
        ]
    values.sort(key=lambda entry: (entry[1] or _LAST, entry[0].number))
    better = max if spec.metric.goal == v1.GOAL_MAXIMIZE else min
    found: list[BestSoFar] = []
    for run, time, value in values:
        best = better(found[-1].best, value) if found else value
        found.append(BestSoFar(run.name, run.number, time, value, best))
    return found


def _points(spec: v1.SweepSpec, runs: Sequence[v1.Run]) -> list[tuple[v1.Run, datetime | None, float]]:
    points: dict[int, list[v1.Run]] = {}
    for run in runs:
        points.setdefault(run.number - run.repeat, []).append(run)
    found: list[tuple[v1.Run, datetime | None, float]] = []
    for block in points.values():
        states = [run_state(run) for run in block]
        whole = len(block) == spec.repeats and all(state in FINAL_RUN for state in states)
        counted = [run for run, state in zip(block, states, strict=True) if state in _COUNTED]
        values = [run.value for run in counted if run.HasField("value")]
        if whole and values and "failed" not in states:
            ended = max(time for run in block if (time := time_of(run.end_time)) is not None)
            found.append((block[0], ended, _aggregated(values, spec)))
    return found


def _aggregated(values: Sequence[float], spec: v1.SweepSpec) -> float:
    match spec.aggregate:
        case v1.AGGREGATE_MEDIAN:
            return median(values)
        case v1.AGGREGATE_WORST:
            return min(values) if spec.metric.goal == v1.GOAL_MAXIMIZE else max(values)
        case _:
            return mean(values)
