"""Patience: a run whose best has not become better for some iterations ends.

Prechelt (1998), "Early Stopping - But When?", with `min_delta` as Keras has it: small steps count once they
add up to more than `min_delta`.
"""

from sweepd.spec import Goal, Patience
from sweepd_scheduler.domain.early_termination.judging import PatienceState, Verdict, cost


def observed(
    rule: Patience, goal: Goal, before: PatienceState | None, iteration: int, value: float
) -> PatienceState:
    """Return the state after one more iteration."""
    if before is None or cost(value, goal) < _needed(rule, goal, before):
        return PatienceState(value=value, iteration=iteration)
    return before


def judge(
    rule: Patience, goal: Goal, state: PatienceState, iteration: int, best: float, now: int
) -> Verdict | None:
    """Return the verdict if a run is to stop.

    Args:
        rule: for how long, and by how much.
        goal: which direction is better.
        state: its last improvement, this iteration included.
        iteration: the iteration that has just arrived.
        best: the best value of the run.
        now: wall clock in microseconds, recorded with the verdict.
    """
    if iteration - state.iteration < rule.iterations:
        return None
    threshold = cost(_needed(rule, goal, state), goal)
    return Verdict(
        rule="patience", rung=iteration, value=best, threshold=threshold, rank=0, compared=0, decide_time=now
    )


def _needed(rule: Patience, goal: Goal, state: PatienceState) -> float:
    """Return the cost that an improvement has to fall below."""
    return cost(state.value, goal) - rule.min_delta
