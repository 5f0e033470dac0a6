"""A fixed threshold: a run whose value at one iteration is worse ends."""

from sweepd.spec import Goal, Threshold
from sweepd_scheduler.domain.early_termination.judging import Verdict, cost


def judge(rule: Threshold, goal: Goal, iteration: int, value: float, now: int) -> Verdict | None:
    """Return the verdict if a run is to stop.

    Args:
        rule: at which iteration, and what is just good enough.
        goal: which direction is better.
        iteration: the iteration that has just arrived.
        value: the value at that iteration.
        now: wall clock in microseconds, recorded with the verdict.
    """
    if iteration != rule.at or cost(value, goal) <= cost(rule.value, goal):
        return None
    return Verdict(
        rule="threshold",
        rung=iteration,
        value=value,
        threshold=rule.value,
        rank=0,
        compared=0,
        decide_time=now,
    )
