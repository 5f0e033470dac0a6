"""The runs of one point: with `repeats` they have consecutive numbers and end one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from sweepd.spec import Aggregate, Goal
from sweepd_scheduler.domain.run import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What remains of a run that has ended. `value`: its value for the search."""

    state: RunState
    value: float | None
    worst: float | None
    last: float | None
    iterations: int


def aggregated(values: Sequence[float], how: Aggregate, goal: Goal) -> float | None:
    """Return the value of a point from those of its runs; None without any."""
    if not values:
        return None
    match how:
        case Aggregate.MEAN:
            return fmean(values)
        case Aggregate.MEDIAN:
            return median(values)
        case Aggregate.WORST:
            return max(values) if goal is Goal.MINIMIZE else min(values)


def block_value(ended: Sequence[Ended], how: Aggregate, goal: Goal) -> float | None:
    """Return the value of a point all of whose runs have ended: over those that finished or were stopped."""
    counted = (RunState.FINISHED, RunState.STOPPED)
    return aggregated(
        [each.value for each in ended if each.value is not None and each.state in counted], how, goal
    )
