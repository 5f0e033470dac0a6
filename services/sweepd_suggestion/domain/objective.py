"""Losses of runs for the model, by goal and imputation, and selection of the runs that enter the model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sweepd.spec.point import Point
from sweepd.spec.space.sampling import draw
from sweepd.spec.sweep_spec import Goal, Impute, Metric, ObjectiveValue
from sweepd_suggestion.domain.study import Ended, Outcome, TrialRun


@dataclass(frozen=True, slots=True)
class Valued:
    """A point and its loss: lower is better, whatever the goal."""

    run_number: int
    point: Point
    loss: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence for a model: points with values, and pending points.

    `observed` is the number of values that are not imputed.
    """

    valued: tuple[Valued, ...]
    pending: tuple[Point, ...]
    observed: int


def sign_of(metric: Metric) -> float:
    """Return the factor that converts a value of the metric into a loss, and back."""
    return 1.0 if metric.goal is Goal.MINIMIZE else -1.0


def evidence(runs: Iterable[TrialRun], metric: Metric) -> Evidence:
    """Return the evidence of the runs, without runs outside the space or with an inconclusive end.

    A missing value is imputed as the metric specifies; the worst value may be from a run outside the space.
    A run that still has no value is left out, or pending if it is running.
    """
    known = list(runs)
    sign = sign_of(metric)
    worst = max((loss for run in known for loss in _losses_of(run, sign)), default=None)
    worst_finished = max((loss for run in known for loss in _finished(run, sign)), default=None)
    valued: list[Valued] = []
    pending: list[Point] = []
    observed = 0
    for run in known:
        if not run.in_space:
            continue
        if run.end is None:
            loss, observed_loss = _loss_so_far(run, metric, worst), _loss_so_far(run, metric, None)
            if loss is None:
                pending.append(run.point)
        else:
            loss = _loss_at_end(run.end, metric, worst, worst_finished)
            observed_loss = _loss_at_end(run.end, metric, None, None)
        if loss is not None:
            valued.append(Valued(run.number, run.point, loss))
            observed += observed_loss is not None
    return Evidence(tuple(valued), tuple(pending), observed)


def _loss_at_end(
    end: Ended, metric: Metric, worst: float | None, worst_finished: float | None
) -> float | None:
    sign = sign_of(metric)
    match end.outcome:
        case Outcome.NOTHING:
            return None
        case Outcome.FINISHED if end.value is not None:
            return sign * end.value
        case Outcome.STOPPED:
            if end.value is None:
                return None
            # The run might have improved, so it counts as no worse than the worst finished run.
            loss = sign * end.value
            return loss if worst_finished is None else min(loss, worst_finished)
        case Outcome.FINISHED | Outcome.FAILED:
            best = end.value if end.best is None else end.best
            return _imputed(metric.impute, best, end.last, sign, worst)


def _loss_so_far(run: TrialRun, metric: Metric, worst: float | None) -> float | None:
    if metric.impute_while_running is None:
        return None
    sign = sign_of(metric)
    if run.so_far is not None and run.so_far.value is not None:
        return sign * run.so_far.value
    if run.so_far is None and run.rung_values:
        return sign * _value_of(run.rung_values, metric)
    return _imputed(metric.impute_while_running, None, None, sign, worst)


def _value_of(values: Sequence[float], metric: Metric) -> float:
    match metric.value:
        case ObjectiveValue.BEST:
            return min(values) if metric.goal is Goal.MINIMIZE else max(values)
        case ObjectiveValue.LAST:
            return values[-1]
        case ObjectiveValue.MEAN:
            return sum(value / len(values) for value in values)  # the plain sum could overflow


def _imputed(
    how: Impute, best: float | None, last: float | None, sign: float, worst: float | None
) -> float | None:
    match how:
        case Impute.WORST:
            return worst
        case Impute.BEST:
            return None if best is None else sign * best
        case Impute.LATEST:
            return None if last is None else sign * last


def _losses_of(run: TrialRun, sign: float) -> Iterable[float]:
    end = run.end
    if end is not None:
        values = (value for value in (end.worst, end.value, end.best, end.last) if value is not None)
        yield from (sign * value for value in values)


def _finished(run: TrialRun, sign: float) -> Iterable[float]:
    end = run.end
    if end is not None and end.outcome is Outcome.FINISHED and end.value is not None:
        yield sign * end.value


MAX_VALUED = 150
"""Maximum number of points of a Gaussian process, whose cost is cubic in this number."""


def selected(valued: Sequence[Valued], seed: int, most: int = MAX_VALUED) -> tuple[Valued, ...]:
    """Return at most `most` points: one third the best, one third the newest, the others drawn by `seed`."""
    if len(valued) <= most:
        return tuple(valued)
    share = most // 3
    by_loss = sorted(valued, key=lambda one: (one.loss, one.run_number))
    newest = sorted(by_loss[share:], key=lambda one: -one.run_number)
    drawn = sorted(newest[share:], key=lambda one: draw(seed, one.run_number, ("selection",)))
    chosen = [*by_loss[:share], *newest[:share], *drawn[: most - 2 * share]]
    return tuple(sorted(chosen, key=lambda one: one.run_number))
