"""What each run is to the model, seen by itself: a loss, lower being better, or what stands for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import inf

from sweepd.spec import Goal, Impute, Metric, ObjectiveValue
from sweepd_suggestion.domain.observation import Ended, Outcome
from sweepd_suggestion.domain.trial_run import TrialRun


class Role(IntEnum):
    """How a run enters the model. Values are never invented: without any worst one it does not."""

    LEFT_OUT = 0
    PENDING = 1
    VALUED = 2
    STOPPED = 3
    """With its loss, but no worse than the worst finished run: it would have gone on improving."""
    WORST = 4
    """With the worst loss of any ended run; while there is none it is left out."""
    WORST_OR_PENDING = 5
    """With the worst loss of any ended run; while there is none it is pending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A run by itself.

    Args:
        role: how it enters the model.
        loss: its own, where the role has one.
        worst: the worst loss that it had shown when it ended; -inf for none.
        finished: its loss if it finished with one; -inf if not.
    """

    role: Role
    loss: float = 0.0
    worst: float = -inf
    finished: float = -inf


def sign_of(metric: Metric) -> float:
    """Return what turns a value of the metric into a loss, and back."""
    return 1.0 if metric.goal is Goal.MINIMIZE else -1.0


def standing(run: TrialRun, metric: Metric) -> Standing:
    """Return what a run is to the model. One outside the space is left out, but shows how bad runs can be."""
    sign, end = sign_of(metric), run.end
    role, value = _so_far(run, metric) if end is None else _at_end(end, metric.impute)
    worst = finished = -inf
    if end is not None:
        shown = (each for each in (end.worst, end.value, end.best, end.last) if each is not None)
        worst = max((sign * each for each in shown), default=-inf)
        if end.outcome is Outcome.FINISHED and end.value is not None:
            finished = sign * end.value
    return Standing(
        role=role if run.in_space else Role.LEFT_OUT, loss=sign * value, worst=worst, finished=finished
    )


def _at_end(end: Ended, impute: Impute) -> tuple[Role, float]:
    match end.outcome:
        case Outcome.FINISHED if end.value is not None:
            return Role.VALUED, end.value
        case Outcome.STOPPED if end.value is not None:
            return Role.STOPPED, end.value
        case Outcome.NOTHING | Outcome.STOPPED:
            return Role.LEFT_OUT, 0.0
        case Outcome.FINISHED | Outcome.FAILED:
            if impute is Impute.WORST:
                return Role.WORST, 0.0
            best = end.value if end.best is None else end.best
            own = best if impute is Impute.BEST else end.last
            return (Role.LEFT_OUT, 0.0) if own is None else (Role.VALUED, own)


def _so_far(run: TrialRun, metric: Metric) -> tuple[Role, float]:
    if metric.impute_while_running is None:
        return Role.PENDING, 0.0
    if run.so_far is not None and run.so_far.value is not None:
        return Role.VALUED, run.so_far.value
    if run.so_far is None and run.rung_values:
        return Role.VALUED, _value_of(run.rung_values, metric)
    worst = metric.impute_while_running is Impute.WORST
    return (Role.WORST_OR_PENDING if worst else Role.PENDING), 0.0


def _value_of(values: Sequence[float], metric: Metric) -> float:
    match metric.value:
        case ObjectiveValue.BEST:
            return min(values) if metric.goal is Goal.MINIMIZE else max(values)
        case ObjectiveValue.LAST:
            return values[-1]
        case ObjectiveValue.MEAN:
            return sum(value / len(values) for value in values)  # no sum that could overflow
