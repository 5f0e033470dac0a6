"""Rules of early termination: each judges a run by its values and, mostly, those of others."""

from bisect import bisect_left
from collections.abc import Iterable

from sweepd.spec import Asha, Goal, Hyperband, Median, Patience, Threshold
from sweepd_scheduler.domain.early_termination.judging import Contender, PatienceState, Rung, Verdict, cost


def behind_threshold(rule: Hyperband, rung: Rung, runs: Iterable[int]) -> list[int]:
    """Return the runs that may have to stop: neither test stops one that is good enough at the rung."""
    threshold = _hyperband_threshold(rule, rung)
    return [run for run in runs if rung.by_run[run] > threshold]


def judge_hyperband(
    rule: Hyperband, goal: Goal, number: int, rung: Rung, contenders: Iterable[Contender], now: int
) -> dict[int, Verdict]:
    """Test every contender of a rung; return the verdicts against those that are to stop, by run number.

    Of n values at a rung the best int(n / eta) + 1 survive, and ties with them. A run is tested again with
    each value that arrives at its latest rung.

    Source: Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar (2018), "Hyperband", JMLR 18(185), in its stopping
        form; thresholds as W&B's sweeps compute them.

    Args:
        rule: eta, and whether the value at the rung (strict) or the best so far counts.
        goal: direction of the objective.
        number: the rung, an iteration.
        rung: its values, that of the run that just arrived included.
        contenders: the running runs whose latest rung this is.
        now: wall clock in microseconds, recorded with the verdicts.
    """
    threshold = _hyperband_threshold(rule, rung)
    verdicts: dict[int, Verdict] = {}
    for contender in sorted(contenders, key=lambda each: each.number):
        shown = rung.by_run[contender.number] if rule.strict else cost(contender.best, goal)
        if shown > threshold:
            verdicts[contender.number] = _at_rung("hyperband", goal, number, rung, shown, threshold, now)
    return verdicts


def _hyperband_threshold(rule: Hyperband, rung: Rung) -> float:
    return rung.costs[int((1 / rule.eta) * len(rung.costs))]


def judge_asha(rule: Asha, goal: Goal, number: int, rung: Rung, run: int, now: int) -> Verdict | None:
    """Test the run that has just arrived at a rung, once; return the verdict if it is to stop.

    Of n values the best floor(n / eta), at least one, survive, and ties with them.

    Source: Li, Jamieson, Rostamizadeh, Gonina, Hardt, Recht, Talwalkar (2018), "A System for Massively
        Parallel Hyperparameter Tuning", section 3, in its stopping form.

    Args:
        rule: eta.
        goal: direction of the objective.
        number: the rung, an iteration.
        rung: its values, that of the run included.
        run: number of the run.
        now: wall clock in microseconds, recorded with the verdict.
    """
    shown = rung.by_run[run]
    threshold = rung.costs[max(1, int(len(rung.costs) / rule.eta)) - 1]
    if shown <= threshold:
        return None
    return _at_rung("asha", goal, number, rung, shown, threshold, now)


def judge_median(rule: Median, goal: Goal, number: int, rung: Rung, run: int, now: int) -> Verdict | None:
    """Test the run that has just arrived at an iteration; return the verdict if it is to stop.

    It stops if its best value is worse than the median of the others.

    Source: Golovin, Solnik, Moitra, Kochanski, Karro, Sculley (2017), "Google Vizier", KDD, section 3.2.1,
        with the best value up to an iteration in place of the running average, so that one bad iteration
        does no harm.

    Args:
        rule: how many others there must be.
        goal: direction of the objective.
        number: the iteration.
        rung: the best value of every run up to this iteration, that of the run included.
        run: number of the run.
        now: wall clock in microseconds, recorded with the verdict.
    """
    shown = rung.by_run[run]
    if len(rung.costs) - 1 < rule.min_runs:
        return None
    median = median_without(rung.costs, shown)
    if shown <= median:
        return None
    return _at_rung("median", goal, number, rung, shown, median, now)


def median_without(ascending: list[float], left_out: float) -> float:
    """Return the median of sorted values but for one of them, without a copy; there are at least two."""
    gap = bisect_left(ascending, left_out)
    others = len(ascending) - 1
    low, high = ((others - 1) // 2, others // 2)
    below = ascending[low + (low >= gap)]
    above = ascending[high + (high >= gap)]
    return below if below == above else below / 2 + above / 2  # halves first: their sum may overflow


def _at_rung(
    rule: str, goal: Goal, number: int, rung: Rung, shown: float, threshold: float, now: int
) -> Verdict:
    """Return the verdict against a run whose cost at a rung is above a threshold."""
    return Verdict(
        rule=rule,
        rung=number,
        value=cost(shown, goal),
        threshold=cost(threshold, goal),
        rank=rung.rank(shown),
        compared=len(rung.costs),
        decide_time=now,
        prior=rung.prior,
    )


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
    """Return the verdict if the best value of a run has not improved for too many iterations.

    Source: Prechelt (1998), "Early Stopping - But When?", with `min_delta` as Keras has it: small steps count
        once they add up to more than `min_delta`.

    Args:
        rule: number of iterations, and the improvement that counts.
        goal: direction of the objective.
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
    """Return the verdict if the value of a run at one iteration is worse than a fixed threshold.

    Args:
        rule: the iteration, and the worst value that survives.
        goal: direction of the objective.
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
