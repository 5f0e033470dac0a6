"""The runs of one point: with `repeats` they have consecutive numbers, end one by one and count as one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median_high, median_low

from sweepd.spec import Aggregate, Goal
from sweepd_scheduler.domain.run import RunState

_COUNTED = frozenset({RunState.FINISHED, RunState.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What remains of a run, or of a point, that has ended. `value`: its value for the search."""

    state: RunState
    value: float | None
    worst: float | None
    last: float | None
    iterations: int


def point_ended(ended: Sequence[Ended], how: Aggregate, goal: Goal) -> Ended:
    """Return what remains of a point all of whose runs have ended.

    One that failed makes the point failed, and a failed point has no value; else one that was stopped makes
    it stopped. Runs that were lost or killed say nothing about it, unless there are no others.
    """
    counted = [each for each in ended if each.state in _COUNTED]
    state = _state_of_point({each.state for each in ended})
    values = [each.value for each in counted if each.value is not None]
    lasts = [each.last for each in counted if each.last is not None]
    worsts = [each.worst for each in ended if each.worst is not None]
    return Ended(
        state=state,
        value=aggregated(values, how, goal) if state is not RunState.FAILED else None,
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
