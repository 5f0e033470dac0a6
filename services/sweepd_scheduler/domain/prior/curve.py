"""What a curve of an objective comes to in another sweep: figures, and values at the rungs of its rules."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import isfinite

from sweepd.spec import Asha, Goal, Hyperband, Median, StopRule
from sweepd.spec.rungs import rungs
from sweepd_scheduler.domain.runs.run import Values


def values_of(curve: Sequence[float], goal: Goal) -> Values:
    """Return the figures of finite values, one an iteration."""
    if not curve:
        return Values()
    low, high = min(curve), max(curve)
    best, worst = (low, high) if goal is Goal.MINIMIZE else (high, low)
    total = sum(curve)
    if not isfinite(total):
        values = Values()
        for value in curve:
            values = values.with_value(value, goal)
        return values
    return Values(iterations=len(curve), best=best, worst=worst, last=curve[-1], total=total, logged=True)


def turned(values: Values) -> Values:
    """Return figures by the opposite goal."""
    return Values(
        iterations=values.iterations,
        best=values.worst,
        worst=values.best,
        last=values.last,
        total=values.total,
        logged=values.logged,
    )


def rung_values(
    rules: Sequence[StopRule], goal: Goal, curve: Sequence[float]
) -> tuple[tuple[int, int, float], ...]:
    """Return (rule, iteration, value) for every rung of every rule that the curve has reached."""
    return tuple(
        (number, rung, value)
        for number, rule in enumerate(rules)
        for rung, value in _of_rule(rule, goal, curve)
    )


def _of_rule(rule: StopRule, goal: Goal, curve: Sequence[float]) -> Iterator[tuple[int, float]]:
    match rule:
        case Hyperband() | Asha():
            for rung in rungs(rule):
                if rung > len(curve):
                    return
                yield rung, curve[rung - 1]
        case Median(min_iter=first, interval=interval):
            best = list(accumulate(curve, min if goal is Goal.MINIMIZE else max))
            for iteration in range(first, len(curve) + 1, interval):
                yield iteration, best[iteration - 1]
        case _:
            return
