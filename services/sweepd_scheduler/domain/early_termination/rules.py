"""Rules of early termination: each judges a run by its values and, mostly, those of others."""

from bisect import bisect_left
from collections.abc import Iterable

from sweepd.spec import Asha, Goal, Hyperband, Median, Patience, Threshold
from sweepd_scheduler.domain.early_termination.judging import Contender, PatienceState, Rung, Verdict, cost


def behind_threshold(rule: Hyperband, rung: Rung, runs: Iterable[int]) -> list[int]:
    """Return the runs that may have to stop: neither test ends one that is good enough at the rung."""
    threshold = _hyperband_threshold(rule, rung)
    return [run for run in runs if rung.by_run[run] > threshold]


def judge_hyperband(
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
    compared, threshold = len(rung.costs), _hyperband_threshold(rule, rung)
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


def _hyperband_threshold(rule: Hyperband, rung: Rung) -> float:
    return rung.costs[int((1 / rule.eta) * len(rung.costs))]


def judge_asha(rule: Asha, goal: Goal, number: int, rung: Rung, run: int, now: int) -> Verdict | None:
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


def judge_median(rule: Median, goal: Goal, number: int, rung: Rung, run: int, now: int) -> Verdict | None:
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


def patience_after(
    rule: Patience, goal: Goal, before: PatienceState | None, iteration: int, value: float
) -> PatienceState:
    """Return the state after one more iteration."""
    if before is None or cost(value, goal) < _needed(rule, goal, before):
        return PatienceState(value=value, iteration=iteration)
    return before


def judge_patience(
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


def judge_threshold(rule: Threshold, goal: Goal, iteration: int, value: float, now: int) -> Verdict | None:
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
