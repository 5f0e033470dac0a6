"""Early termination: rungs, their values, and rules that judge a run by its own and other runs' values."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sweepd.spec.stop_rules import Asha, Hyperband, Median, Patience, StopRule, Threshold, rungs
from sweepd.spec.sweep_spec import Goal


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Decision of an early-termination rule that a run has to stop.

    Args:
        rule: name of the rule.
        rung: the iteration at which the run was judged, counted from 1.
        value: the value that was judged.
        threshold: the value that it had to reach.
        rank: its rank among the compared runs, 1 the best; 0 if the run was judged alone.
        compared: number of compared runs, itself included; 0 if the run was judged alone.
        decide_time: microseconds since 1970.
        prior: number of prior runs among the compared runs.
    """

    rule: str
    rung: int
    value: float
    threshold: float
    rank: int = 0
    compared: int = 0
    decide_time: int
    prior: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PatienceState:
    """Last value that was an improvement by more than `min_delta`, and its iteration."""

    value: float
    iteration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Live run whose latest rung is being judged, with its best value so far."""

    number: int
    best: float


@dataclass(slots=True)
class Rung:
    """Costs of runs at one rung: their values, negated if the goal is to maximise.

    Args:
        costs: all costs, ascending.
        by_run: the cost of each run by its number; prior runs have negative numbers.
        prior: number of prior runs among them.
    """

    costs: list[float] = field(default_factory=list)
    by_run: dict[int, float] = field(default_factory=dict)
    prior: int = 0

    @classmethod
    def of(cls, by_run: dict[int, float], *, with_prior: bool = False) -> "Rung":
        """Return a rung with these costs by run number; `with_prior`: prior runs may be among them."""
        prior = sum(run < 0 for run in by_run) if with_prior else 0
        return cls(costs=sorted(by_run.values()), by_run=by_run, prior=prior)

    def put(self, run: int, cost: float | None) -> float | None:
        """Set the cost of a run at this rung, or remove it with None; return the previous cost."""
        before = self.by_run.pop(run, None)
        if before is not None:
            del self.costs[bisect_left(self.costs, before)]
        if cost is not None:
            insort(self.costs, cost)
            self.by_run[run] = cost
        return before

    def rank(self, cost: float) -> int:
        """Return the rank of a cost at this rung, 1 the best; equal costs share a rank."""
        return bisect_left(self.costs, cost) + 1


def cost(value: float, goal: Goal) -> float:
    """Convert a value to a cost, where lower is better, or a cost back to its value."""
    return value if goal is Goal.MINIMIZE else -value


def costs(values: Mapping[int, float], goal: Goal) -> dict[int, float]:
    """Return the values of runs as costs."""
    if goal is Goal.MINIMIZE:
        return dict(values)
    return {run: -value for run, value in values.items()}


def is_rung(rule: StopRule, iteration: int) -> bool:
    """Return True if a rule compares runs at this iteration."""
    match rule:
        case Hyperband() | Asha():
            return iteration in rungs(rule)
        case Median(min_iter=first, interval=interval):
            return iteration >= first and (iteration - first) % interval == 0
        case Patience() | Threshold():
            return False


def latest_rung(rule: Hyperband, iterations: int) -> int:
    """Return the last rung that a run has reached after this many iterations; 0 if none."""
    reached = bisect_right(rungs(rule), iterations)
    return rungs(rule)[reached - 1] if reached else 0


def verdict_sentence(verdict: Verdict, rule: StopRule) -> str:
    """Return a sentence that explains why a run is stopped early."""
    text = f"early termination ({verdict.rule})"
    if isinstance(rule, Patience):
        by_more = f" by more than {rule.min_delta:g}" if rule.min_delta else ""
        return (
            f"{text}: its best, {verdict.value:.6g}, has not improved{by_more} for {_many(rule.iterations)}"
        )
    shown = f"{text}: {verdict.value:.6g} at iteration {verdict.rung} is worse than {verdict.threshold:.6g}"
    prior = f", {_of_prior(verdict.prior)}" if verdict.prior else ""
    if verdict.rule == "median":
        return f"{shown}, the median of {verdict.compared - 1} other runs{prior}"
    return f"{shown}; rank {verdict.rank} of {verdict.compared}{prior}" if verdict.compared else shown


def _many(iterations: int) -> str:
    return f"{iterations} iterations" if iterations > 1 else "an iteration"


def _of_prior(count: int) -> str:
    return f"{count} of them prior runs" if count > 1 else "1 of them a prior run"


def behind_threshold(rule: Hyperband, rung: Rung, runs: Iterable[int]) -> list[int]:
    """Return the runs whose cost at the rung is above the threshold.

    All others survive, even without `strict`: the best value, which then counts, is at least as good as the
    value at the rung.
    """
    threshold = _hyperband_threshold(rule, rung)
    return [run for run in runs if rung.by_run[run] > threshold]


def judge_hyperband(
    rule: Hyperband, goal: Goal, number: int, rung: Rung, contenders: Iterable[Contender], now: int
) -> dict[int, Verdict]:
    """Judge every contender at a rung; return the verdicts against runs that have to stop, by run number.

    Of n runs at a rung the best int(n / eta) + 1 survive, and those tied with the last of them. While a rung
    is the latest of a run, the run is judged again whenever another run reaches that rung.

    Source: Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar (2018), "Hyperband", JMLR 18(185), as a stopping
        rule; the thresholds are those of W&B's sweeps.

    Args:
        rule: eta, and whether the value at the rung (strict) or the best value so far counts.
        goal: direction of the objective.
        number: iteration of the rung.
        rung: its costs, including that of the run that has just reached it.
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
    """Judge a run once, when it reaches a rung; return the verdict if the run has to stop, else None.

    Of n runs at the rung the best floor(n / eta) survive, at least one, and those tied with the last of them.

    Source: Li, Jamieson, Rostamizadeh, Gonina, Hardt, Recht, Talwalkar (2018), "A System for Massively
        Parallel Hyperparameter Tuning", section 3, as a stopping rule.

    Args:
        rule: eta.
        goal: direction of the objective.
        number: iteration of the rung.
        rung: its costs, including that of the run.
        run: number of the run.
        now: wall clock in microseconds, recorded with the verdict.
    """
    shown = rung.by_run[run]
    threshold = rung.costs[max(1, int(len(rung.costs) / rule.eta)) - 1]
    if shown <= threshold:
        return None
    return _at_rung("asha", goal, number, rung, shown, threshold, now)


def judge_median(rule: Median, goal: Goal, number: int, rung: Rung, run: int, now: int) -> Verdict | None:
    """Judge a run when it reaches an iteration; return the verdict if the run has to stop, else None.

    The run stops if its best value is worse than the median of the other runs' best values.

    Source: Golovin, Solnik, Moitra, Kochanski, Karro, Sculley (2017), "Google Vizier", KDD, section 3.2.1,
        with the best value up to an iteration in place of the running average, so that one bad iteration
        does no harm.

    Args:
        rule: minimum number of other runs.
        goal: direction of the objective.
        number: the iteration.
        rung: the cost of each run's best value up to this iteration, including that of the run.
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
    """Return the median of sorted values with one of them left out; there must be at least two values."""
    gap = bisect_left(ascending, left_out)
    others = len(ascending) - 1
    low, high = ((others - 1) // 2, others // 2)
    below = ascending[low + (low >= gap)]
    above = ascending[high + (high >= gap)]
    return below if below == above else below / 2 + above / 2  # halved first, as their sum may overflow


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
    """Return the state of a patience rule after one more iteration with this value."""
    if before is None or cost(value, goal) < _needed(rule, goal, before):
        return PatienceState(value=value, iteration=iteration)
    return before


def judge_patience(
    rule: Patience, goal: Goal, state: PatienceState, iteration: int, best: float, now: int
) -> Verdict | None:
    """Return the verdict if the best value of a run has not improved for too many iterations, else None.

    Source: Prechelt (1998), "Early Stopping - But When?", with `min_delta` as in Keras: small improvements
        count once they add up to more than `min_delta`.

    Args:
        rule: number of iterations without an improvement, and the smallest improvement that counts.
        goal: direction of the objective.
        state: the last improvement of the run, this iteration included.
        iteration: the iteration that the run has just reached.
        best: the best value of the run.
        now: wall clock in microseconds, recorded with the verdict.
    """
    if iteration - state.iteration < rule.iterations:
        return None
    threshold = cost(_needed(rule, goal, state), goal)
    return Verdict(rule="patience", rung=iteration, value=best, threshold=threshold, decide_time=now)


def _needed(rule: Patience, goal: Goal, state: PatienceState) -> float:
    """Return the cost below which a value counts as an improvement."""
    return cost(state.value, goal) - rule.min_delta


def judge_threshold(rule: Threshold, goal: Goal, iteration: int, value: float, now: int) -> Verdict | None:
    """Return the verdict if the value of a run at one iteration is worse than a threshold, else None.

    Args:
        rule: the iteration at which it judges, and the worst value that survives.
        goal: direction of the objective.
        iteration: the iteration that the run has just reached.
        value: the value at that iteration.
        now: wall clock in microseconds, recorded with the verdict.
    """
    if iteration != rule.at or cost(value, goal) <= cost(rule.value, goal):
        return None
    return Verdict(rule="threshold", rung=iteration, value=value, threshold=rule.value, decide_time=now)
