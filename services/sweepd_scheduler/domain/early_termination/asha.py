"""Asynchronous successive halving in its stopping form: a run is judged once at each rung, when it arrives.

Li, Jamieson, Rostamizadeh, Gonina, Hardt, Recht, Talwalkar (2018), "A System for Massively Parallel
Hyperparameter Tuning", section 3: of n values at a rung the best floor(n / eta), at least one, go on.
"""

from sweepd.spec import Asha, Goal
from sweepd_scheduler.domain.early_termination.judging import Rung, Verdict, cost


def judge(rule: Asha, goal: Goal, number: int, rung: Rung, run: int, now: int) -> Verdict | None:
    """Test the run that has just arrived at a rung; return the verdict if it is to stop. Ties go on.

    Args:
        rule: eta.
        goal: which direction is better.
        number: the rung, an iteration.
        rung: its values, that of the run included.
        run: number of the run.
        now: wall clock in microseconds, recorded with the verdict.
    """
    compared, shown = len(rung.costs), rung.by_run[run]
    threshold = rung.costs[max(1, int(compared / rule.eta)) - 1]
    if shown <= threshold:
        return None
    return Verdict(
        rule="asha",
        rung=number,
        value=cost(shown, goal),
        threshold=cost(threshold, goal),
        rank=rung.rank(shown),
        compared=compared,
        decide_time=now,
        prior=rung.prior,
    )
