"""Reference implementation of the early-termination rules, which judges full histories by their definition.

It is slow and simple on purpose: the incremental code is compared with it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median

from sweepd.spec.point import Json

FAR = 1_000
"""An iteration beyond every history in these tests."""

Rule = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ExpectedStop:
    """Stop of a run, with its recorded details."""

    run: int
    rule: str
    iteration: int
    value: float
    threshold: float
    rank: int
    compared: int


@dataclass(slots=True)
class History:
    """Values that the newest attempt of a run logged, finite or not, and its state: running or stopped."""

    logged: list[float] = field(default_factory=list)
    running: bool = True
    stop_sent: bool = False

    @property
    def values(self) -> list[float]:
        """The finite values, one for each iteration."""
        return [value for value in self.logged if math.isfinite(value)]


class ReferenceRules:
    """All logged values, and the runs that have to stop."""

    def __init__(self, rules: list[Rule], goal: str) -> None:
        self.rules = rules
        self.sign = 1.0 if goal == "minimize" else -1.0
        self.runs: dict[int, History] = {}

    def arrives(self, run: int, value: float) -> list[ExpectedStop]:
        """Add a value and return the stops that it causes, in the order in which they are decided."""
        self.runs[run].logged.append(value)
        if not math.isfinite(value):
            return []
        verdicts: list[ExpectedStop] = []
        for rule in self.rules:
            for each in self._judge(rule, run):
                self.runs[each.run].stop_sent = True
                verdicts.append(each)
        return verdicts

    def _judge(self, rule: Rule, run: int) -> Iterator[ExpectedStop]:
        if rule["type"] == "hyperband":
            yield from self._hyperband(rule, len(self.runs[run].values))
        elif not self.runs[run].stop_sent:
            judge = {
                "asha": self._asha,
                "median": self._median,
                "patience": self._patience,
                "threshold": self._threshold,
            }[str(rule["type"])]
            yield from judge(rule, run)

    def _hyperband(self, rule: Rule, iteration: int) -> Iterator[ExpectedStop]:
        brackets = hyperband_brackets(rule)
        if iteration not in brackets:
            return
        best_first = self._best_first(
            [h.values[iteration - 1] for h in self._that_reached(iteration).values()]
        )
        threshold = best_first[int((1 / number(rule, "eta", 3)) * len(best_first))]
        for run, history in sorted(self.runs.items()):
            behind = [bracket for bracket in brackets if bracket <= len(history.values)]
            if not history.running or history.stop_sent or not behind or max(behind) != iteration:
                continue
            strict = rule.get("strict", True)
            shown = history.values[iteration - 1] if strict else self._best(history.values)
            if self._worse(shown, threshold):
                yield self._compared(run, rule, iteration, shown, threshold, best_first)

    def _asha(self, rule: Rule, run: int) -> Iterator[ExpectedStop]:
        values = self.runs[run].values
        iteration = len(values)
        eta, end = number(rule, "eta", 3), number(rule, "max_iter", FAR)
        rungs = [int(number(rule, "min_iter") * eta**k) for k in range(10)]
        if iteration not in rungs or iteration >= end:
            return
        best_first = self._best_first(
            [h.values[iteration - 1] for h in self._that_reached(iteration).values()]
        )
        among = best_first[: max(1, math.floor(len(best_first) / eta))]
        if values[-1] not in among:
            yield self._compared(run, rule, iteration, values[-1], among[-1], best_first)

    def _median(self, rule: Rule, run: int) -> Iterator[ExpectedStop]:
        values = self.runs[run].values
        iteration, first = len(values), int(number(rule, "min_iter"))
        if iteration < first or (iteration - first) % int(number(rule, "interval", 1)):
            return
        reached = self._that_reached(iteration)
        bests = [self._best(h.values[:iteration]) for other, h in reached.items() if other != run]
        if len(bests) < number(rule, "min_runs", 5):
            return
        own, middle = self._best(values), median(bests)
        if self._worse(own, middle):
            yield self._compared(run, rule, iteration, own, middle, self._best_first([own, *bests]))

    def _patience(self, rule: Rule, run: int) -> Iterator[ExpectedStop]:
        values = self.runs[run].values
        delta = number(rule, "min_delta", 0)
        since, anchor = 1, values[0]
        for iteration, value in enumerate(values, start=1):
            if self.sign * value < self.sign * anchor - delta:
                since, anchor = iteration, value
        if len(values) - since >= number(rule, "iterations"):
            needed = anchor - self.sign * delta
            yield ExpectedStop(run, "patience", len(values), self._best(values), needed, 0, 0)

    def _threshold(self, rule: Rule, run: int) -> Iterator[ExpectedStop]:
        values, bound = self.runs[run].values, number(rule, "value")
        if len(values) == rule["at"] and self._worse(values[-1], bound):
            yield ExpectedStop(run, "threshold", len(values), values[-1], bound, 0, 0)

    def _that_reached(self, iteration: int) -> dict[int, History]:
        return {run: history for run, history in self.runs.items() if len(history.values) >= iteration}

    def _best_first(self, values: list[float]) -> list[float]:
        return sorted(values, key=lambda value: self.sign * value)

    def _best(self, values: list[float]) -> float:
        return self._best_first(values)[0]

    def _worse(self, value: float, than: float) -> bool:
        return self.sign * value > self.sign * than

    def _compared(
        self, run: int, rule: Rule, iteration: int, value: float, threshold: float, among: list[float]
    ) -> ExpectedStop:
        rank = 1 + sum(self._worse(value, each) for each in among)
        return ExpectedStop(run, str(rule["type"]), iteration, value, threshold, rank, len(among))


def hyperband_brackets(rule: Rule) -> list[int]:
    """Return the iterations at which runs are compared, up to `FAR`."""
    eta = number(rule, "eta", 3)
    if "max_iter" not in rule:
        return sorted({int(number(rule, "min_iter") * eta**k) for k in range(20)})
    divided = [number(rule, "max_iter") / eta**k for k in range(1, int(number(rule, "s")) + 1)]
    return sorted({int(each) for each in divided if each >= 1})


def number(rule: Rule, key: str, default: float | None = None) -> float:
    """Return a number that a rule gives, or its default."""
    value = rule.get(key, default)
    assert isinstance(value, int | float)
    return value
