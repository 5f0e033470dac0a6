"""Hyperband's stopping form: whoever stands at a rung is judged again with each value that arrives there.

Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar (2018), "Hyperband", JMLR 18(185); thresholds as W&B's sweeps
compute them: of n values at a rung the best int(n / eta) + 1 survive, ties with them too.
"""

from collections.abc import Iterable

from sweepd.spec import Goal, Hyperband
from sweepd_scheduler.domain.early_termination.judging import Contender, Rung, Verdict, cost


def behind(rule: Hyperband, rung: Rung, runs: Iterable[int]) -> list[int]:
    """Return the runs that may have to stop: neither test ends one that is good enough at the rung."""
    threshold = _threshold(rule, rung)
    return [run for run in runs if rung.by_run[run] > threshold]


def judge(
    rule: Hyperband, goal: Goal, number: int, rung: Rung, contenders: Iterable[Contender], now: int
) -> dict[int, Verdict]:
    """Test every contender of a rung; return the verdicts against those that are to stop, by run number.

    Args:
        rule: eta, and whether the value at the rung (strict) or the best so far counts.
        goal: which direction is better.
        number: the rung, an iteration.
        rung: its values, that of the run that just arrived included.
        contenders: the running runs whose latest rung this is.
        now: wall clock in microseconds, recorded with the verdicts.
    """
    compared, threshold = len(rung.costs), _threshold(rule, rung)
    verdicts: dict[int, Verdict] = {}
    for contender in sorted(contenders, key=lambda each: each.number):
        shown = rung.by_run[contender.number] if rule.strict else cost(contender.best, goal)
        if shown > threshold:
            verdicts[contender.number] = Verdict(
                rule="hyperband",
                rung=number,
                value=cost(shown, goal),
                threshold=cost(threshold, goal),
                rank=rung.rank(shown),
                compared=compared,
                decide_time=now,
                prior=rung.prior,
            )
    return verdicts


def _threshold(rule: Hyperband, rung: Rung) -> float:
    return rung.costs[int((1 / rule.eta) * len(rung.costs))]
