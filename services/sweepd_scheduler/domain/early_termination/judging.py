"""Common ground of the rules of early termination: verdicts, rungs, and the values at them."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field

from sweepd.spec import Asha, Goal, Hyperband, Median, Patience, StopRule, Threshold
from sweepd.spec.stop_rules import rungs


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One decision against a run. `decide_time`: microseconds since 1970.

    Args:
        rule: name of the rule.
        rung: the iteration at which it was judged, counted from 1.
        value: what was judged.
        threshold: what it would have had to reach.
        rank: its place among those compared, 1 the best; 0 where a run is judged alone.
        compared: how many were compared, itself included; 0 where a run is judged alone.
        prior: how many of those were prior runs.
    """

    rule: str
    rung: int
    value: float
    threshold: float
    rank: int
    compared: int
    decide_time: int
    prior: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PatienceState:
    """The last value that was an improvement worth the name, and at which iteration it came."""

    value: float
    iteration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A running run whose latest rung is the one being judged."""

    number: int
    best: float


@dataclass(slots=True)
class Rung:
    """The values at one rung: one a run, its newest attempt's. `costs` are sorted, lower is better.

    Prior runs have negative numbers; `prior` is how many of them there are.
    """

    costs: list[float] = field(default_factory=list)
    by_run: dict[int, float] = field(default_factory=dict)
    prior: int = 0

    @classmethod
    def of(cls, by_run: dict[int, float], *, with_prior: bool = False) -> "Rung":
        """Return a rung with these costs; `with_prior`: there may be prior runs among them."""
        prior = sum(run < 0 for run in by_run) if with_prior else 0
        return cls(costs=sorted(by_run.values()), by_run=by_run, prior=prior)

    def put(self, run: int, cost: float | None) -> float | None:
        """Set what a run cost here, None for nothing; return what it was before."""
        before = self.by_run.pop(run, None)
        if before is not None:
            del self.costs[bisect_left(self.costs, before)]
        if cost is not None:
            insort(self.costs, cost)
            self.by_run[run] = cost
        return before

    def rank(self, cost: float) -> int:
        """Return the place of a cost among those here, 1 the best; equal ones share theirs."""
        return bisect_left(self.costs, cost) + 1


def cost(value: float, goal: Goal) -> float:
    """Return a value so that lower is better; the same again gives the value back."""
    return value if goal is Goal.MINIMIZE else -value


def costs(values: Mapping[int, float], goal: Goal) -> dict[int, float]:
    """Return the cost of each value."""
    if goal is Goal.MINIMIZE:
        return dict(values)
    return {run: -value for run, value in values.items()}


def is_rung(rule: StopRule, iteration: int) -> bool:
    """Tell whether a rule compares runs at an iteration."""
    match rule:
        case Hyperband() | Asha():
            return iteration in rungs(rule)
        case Median(min_iter=first, interval=interval):
            return iteration >= first and (iteration - first) % interval == 0
        case Patience() | Threshold():
            return False


def latest_rung(rule: Hyperband, iterations: int) -> int:
    """Return the last rung that a run of so many iterations has reached, 0 for none."""
    reached = bisect_right(rungs(rule), iterations)
    return rungs(rule)[reached - 1] if reached else 0


def verdict_sentence(verdict: Verdict, rule: StopRule) -> str:
    """Return a sentence on why a run is stopped early."""
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
