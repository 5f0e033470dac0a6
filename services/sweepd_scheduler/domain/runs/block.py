"""The runs of one point: with `repeats` they have consecutive numbers, end one by one and count as one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median_high, median_low

from sweepd.spec import Aggregate, Goal
from sweepd_scheduler.domain.runs.run import RunState

COUNTED = frozenset({RunState.FINISHED, RunState.STOPPED})
"""Ends after which a run has a value for its point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What remains of a run, or of a point, that has ended.

    Args:
        state: how it ended.
        tried: whether it was ever handed out.
        value: its value for the search.
        best: over all its iterations, as are `worst` and `last`.
        worst: see there.
        last: see there.
        iterations: that it got through.
    """

    state: RunState
    tried: bool = True
    value: float | None
    best: float | None
    worst: float | None
    last: float | None
    iterations: int


def point_ended(ended: Sequence[Ended], how: Aggregate, goal: Goal) -> Ended:
    """Return what remains of a point all of whose runs have ended.

    One that failed makes the point failed, and a failed point has no value; else one that was stopped makes
    it stopped. Runs that were lost or killed say nothing about it, unless there are no others. Of a point
    without a value, best and last are over all its runs, whatever became of them: they may stand for it.
    """
    state = _state_of_point({each.state for each in ended})
    counted = [each for each in ended if each.state in COUNTED or state not in COUNTED]
    values = [each.value for each in counted if each.value is not None]
    bests = [each.best for each in counted if each.best is not None]
    lasts = [each.last for each in counted if each.last is not None]
    worsts = [each.worst for each in ended if each.worst is not None]
    return Ended(
        state=state,
        tried=any(each.tried for each in ended),
        value=aggregated(values, how, goal) if state in COUNTED else None,
        best=aggregated(bests, how, goal),
        worst=aggregated(worsts, Aggregate.WORST, goal),
        last=aggregated(lasts, how, goal),
        iterations=max((each.iterations for each in ended), default=0),
    )


def block_value(ended: Sequence[Ended], how: Aggregate, goal: Goal) -> float | None:
    """Return the value of a point all of whose runs have ended."""
    return point_ended(ended, how, goal).value


def aggregated(values: Sequence[float], how: Aggregate, goal: Goal) -> float | None:
    """Return one value for several; None for none."""
    if not values:
        return None
    match how:
        case Aggregate.MEAN:
            return mean(values)  # exact, so that no sum overflows
        case Aggregate.MEDIAN:
            return mean((median_low(values), median_high(values)))
        case Aggregate.WORST:
            return max(values) if goal is Goal.MINIMIZE else min(values)


def _state_of_point(states: Iterable[RunState]) -> RunState:
    by_weight = (
        RunState.FAILED,
        RunState.STOPPED,
        RunState.FINISHED,
        RunState.CRASHED,
        RunState.KILLED,
    )
    return next(state for state in by_weight if state in states)
