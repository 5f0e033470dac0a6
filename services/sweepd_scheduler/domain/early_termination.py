"""Which running runs are stopped early, by hyperband's stopping form.

Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar (2018), "Hyperband", JMLR 18(185); thresholds as W&B's sweeps
compute them: of n values at a rung the best int(n / eta) + 1 survive, ties with them too.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from sweepd.spec import Goal, Hyperband

FARTHEST_RUNG = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One decision against a run. `decide_time`: microseconds since 1970."""

    rule: str
    rung: int
    value: float
    threshold: float
    rank: int
    compared: int
    decide_time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A running run whose latest rung is the one being judged."""

    number: int
    best: float


@dataclass(slots=True)
class Rung:
    """The values at one rung: one a run, its newest attempt's. `costs` are sorted, lower is better."""

    costs: list[float] = field(default_factory=list)
    by_run: dict[int, float] = field(default_factory=dict)

    def put(self, run: int, cost: float | None) -> float | None:
        """Set the cost of a run, None to take it out; return what it was."""
        before = self.by_run.pop(run, None)
        if before is not None:
            del self.costs[bisect_left(self.costs, before)]
        if cost is not None:
            self.by_run[run] = cost
            insort(self.costs, cost)
        return before


@cache
def rungs(rule: Hyperband | None) -> tuple[int, ...]:
    """Return the iterations at which runs are compared, ascending."""
    return rule.brackets(FARTHEST_RUNG) if rule else ()


def cost(value: float, goal: Goal) -> float:
    """Return a value so that lower is better."""
    return value if goal is Goal.MINIMIZE else -value


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
    compared = len(rung.costs)
    threshold = rung.costs[int((1 / rule.eta) * compared)]
    verdicts: dict[int, Verdict] = {}
    for contender in sorted(contenders, key=lambda each: each.number):
        shown = rung.by_run[contender.number] if rule.strict else cost(contender.best, goal)
        if shown > threshold:
            verdicts[contender.number] = Verdict(
                rule="hyperband",
                rung=number,
                value=cost(shown, goal),
                threshold=cost(threshold, goal),
                rank=bisect_left(rung.costs, shown) + 1,
                compared=compared,
                decide_time=now,
            )
    return verdicts
