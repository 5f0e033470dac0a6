"""Stopping below the median: a run whose best is worse than that of the middle one of the others ends.

Golovin, Solnik, Moitra, Kochanski, Karro, Sculley (2017), "Google Vizier", KDD, section 3.2.1, with the best
value up to an iteration in place of their running average, so that one bad iteration does no harm.
"""

from bisect import bisect_left

from sweepd.spec import Goal, Median
from sweepd_scheduler.domain.early_termination.judging import Rung, Verdict, cost


def judge(rule: Median, goal: Goal, number: int, rung: Rung, run: int, now: int) -> Verdict | None:
    """Test the run that has just arrived at an iteration; return the verdict if it is to stop.

    Args:
        rule: how many others there must be.
        goal: which direction is better.
        number: the iteration.
        rung: the best value of every run up to this iteration, that of the run included.
        run: number of the run.
        now: wall clock in microseconds, recorded with the verdict.
    """
    compared, shown = len(rung.costs), rung.by_run[run]
    if compared - 1 < rule.min_runs:
        return None
    median = median_without(rung.costs, shown)
    if shown <= median:
        return None
    return Verdict(
        rule="median",
        rung=number,
        value=cost(shown, goal),
        threshold=cost(median, goal),
        rank=rung.rank(shown),
        compared=compared,
        decide_time=now,
        prior=rung.prior,
    )


def median_without(ascending: list[float], left_out: float) -> float:
    """Return the median of sorted values but for one of them, without a copy; there are at least two."""
    gap = bisect_left(ascending, left_out)
    others = len(ascending) - 1
    low, high = ((others - 1) // 2, others // 2)
    below = ascending[low + (low >= gap)]
    above = ascending[high + (high >= gap)]
    return below if below == above else below / 2 + above / 2  # halves first: their sum may overflow
