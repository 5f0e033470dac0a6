"""Traits that runs of several sweeps share, by majority: program, command, objective, method."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sweepd import v1
from sweepd.cli.show.reproduce import shell_line
from sweepd.spec.point import Json, Point
from sweepd.views.spec_shapes import word
from sweepd.views.text import clean, counted

Trait = TypeVar("Trait", bound=Hashable)
Objective = tuple[str, int]
"""Name and goal of a metric; the name is empty where a sweep has none."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A run: the specification of its sweep, its point, its value if it has one."""

    spec: v1.SweepSpec
    point: Point
    value: float | None


@dataclass(slots=True)
class Lineage:
    """Runs, one or more; `notes` tell where their sweeps differ, and which way was taken."""

    tried: Sequence[Tried]
    notes: list[str] = field(default_factory=list)

    def program(self) -> str:
        """Return the program of most runs; empty if most have none."""
        return self._common("program", lambda spec: spec.program, str)

    def command(self) -> list[str]:
        """Return the command of most runs; empty for the default one."""
        return list(self._common("command", lambda spec: tuple(spec.command), shell_line))

    def reading(self) -> dict[str, Json]:
        """Return how most runs of sweeps have their metrics read: `compat` and `metrics_from` of the file."""
        swept = [tried for tried in self.tried if tried.spec.method]  # standalone runs have no sweep
        if not swept:
            return {}
        document: dict[str, Json] = {}
        if compat := self._common("compat", lambda spec: spec.compat, _compat_word, swept):
            document["compat"] = _compat_word(compat)
        sources = self._common(
            "metrics_from", _sources, lambda found: ", ".join(name for name, _ in found), swept
        )
        if sources:
            document["metrics_from"] = dict(sources)
        return document

    def objective(self, name: str | None = None) -> Objective:
        """Return the objective of most runs that have one, or the one called `name`."""
        if name is None:
            with_one = [tried for tried in self.tried if tried.spec.metric.name]
            return self._common("objective", _objective, _shown, with_one or self.tried)
        named = [tried.spec for tried in self.tried if tried.spec.metric.name == name]
        if named:
            return _objective(named[0])
        self.notes.append(f"no run has the objective {clean(name)}; lower is taken for better")
        return name, v1.GOAL_MINIMIZE

    def best(self, objective: Objective) -> Point | None:
        """Return the point with the best value of an objective; None if no run has one."""
        sign = -1.0 if objective[1] == v1.GOAL_MAXIMIZE else 1.0
        valued = [
            (sign * tried.value, tried.point)
            for tried in self.tried
            if tried.value is not None and math.isfinite(tried.value) and _objective(tried.spec) == objective
        ]
        return min(valued, key=lambda pair: pair[0])[1] if valued else None

    def _common(
        self,
        what: str,
        trait: Callable[[v1.SweepSpec], Trait],
        show: Callable[[Trait], str],
        among: Sequence[Tried] | None = None,
    ) -> Trait:
        """Return the trait that most runs have; where they differ, a note says so."""
        tried_ones = self.tried if among is None else among
        (most, count), *others = Counter(trait(tried.spec) for tried in tried_ones).most_common()
        if others:
            kinds = ", ".join(f"{clean(show(other)) or 'none'} ({number})" for other, number in others)
            self.notes.append(
                f"the {what} differs: {clean(show(most)) or 'none'}, of {counted(count, 'run')}, "
                f"is taken; others: {kinds}"
            )
        return most


def _compat_word(number: int) -> str:
    return word(v1.Compat.Name(v1.Compat.ValueType(number)), "COMPAT_") if number else ""


def _sources(spec: v1.SweepSpec) -> tuple[tuple[str, str], ...]:
    found = spec.metrics_from
    named = {"stdout": found.stdout, "file": found.file, "tensorboard": found.tensorboard}
    return tuple((name, value) for name, value in named.items() if value)


def _objective(spec: v1.SweepSpec) -> Objective:
    return spec.metric.name, spec.metric.goal


def _shown(objective: Objective) -> str:
    name, goal = objective
    return f"{name}, {'maximize' if goal == v1.GOAL_MAXIMIZE else 'minimize'}" if name else ""
