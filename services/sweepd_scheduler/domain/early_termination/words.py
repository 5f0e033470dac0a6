"""How a verdict of early termination is told to people."""

from sweepd.spec import Patience, StopRule
from sweepd_scheduler.domain.early_termination.judging import Verdict


def verdict_sentence(verdict: Verdict, rule: StopRule) -> str:
    """Say why a run is stopped early."""
    told = f"early termination ({verdict.rule})"
    if isinstance(rule, Patience):
        by_more = f" by more than {rule.min_delta:g}" if rule.min_delta else ""
        return (
            f"{told}: its best, {verdict.value:.6g}, has not improved{by_more} for {_many(rule.iterations)}"
        )
    shown = f"{told}: {verdict.value:.6g} at iteration {verdict.rung} is worse than {verdict.threshold:.6g}"
    prior = f", {_of_prior(verdict.prior)}" if verdict.prior else ""
    if verdict.rule == "median":
        return f"{shown}, the median of {verdict.compared - 1} other runs{prior}"
    return f"{shown}; rank {verdict.rank} of {verdict.compared}{prior}" if verdict.compared else shown


def _many(iterations: int) -> str:
    return f"{iterations} iterations" if iterations > 1 else "an iteration"


def _of_prior(count: int) -> str:
    return f"{count} of them prior runs" if count > 1 else "1 of them a prior run"
