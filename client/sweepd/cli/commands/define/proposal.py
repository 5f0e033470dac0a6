"""Runs from which a sweep file is proposed: their common properties, and their use as prior runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from sweepd import v1
from sweepd.calls.sweep_file import project_name
from sweepd.cli.commands.define.prior_options import PriorOptions, selection_of
from sweepd.cli.output.formats import note
from sweepd.cli.settings import current_settings
from sweepd.cli.show.outcome import shell_line
from sweepd.errors import ClientError
from sweepd.spec.point import Json, Point, canonical_json
from sweepd.views.text import clean, counted

Trait = TypeVar("Trait", bound=Hashable)
Objective = tuple[str, int]
"""Name and goal of a metric; the name is empty if the sweep has no metric."""
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceRun:
    """Point of a run, the specification of its sweep, and its value if any."""

    spec: v1.SweepSpec
    point: Point
    value: float | None


@dataclass(slots=True)
class SourceRuns:
    """Runs from which a sweep file is proposed; `notes` are remarks on the file for the user."""

    tried: Sequence[SourceRun]
    notes: list[str] = field(default_factory=list)

    def program(self) -> str:
        """Return the most common program; empty if most runs have none."""
        return self._common("program", lambda spec: spec.program, str)

    def command(self) -> list[str]:
        """Return the most common command; empty for the default command."""
        return list(self._common("command", lambda spec: tuple(spec.command), shell_line))

    def metric_sources(self) -> dict[str, Json]:
        """Return the most common `compat` and `metrics_from` among the runs of sweeps."""
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
        """Return the most common objective, or the objective called `name`."""
        if name is None:
            with_one = [tried for tried in self.tried if tried.spec.metric.name]
            return self._common("objective", _objective, _shown, with_one or self.tried)
        named = [tried.spec for tried in self.tried if tried.spec.metric.name == name]
        if named:
            return _objective(named[0])
        self.notes.append(f"no run has the objective {clean(name)}; assuming that lower is better")
        return name, v1.GOAL_MINIMIZE

    def best(self, objective: Objective) -> Point | None:
        """Return the point with the best value of an objective; None if no run has a value."""
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
        among: Sequence[SourceRun] | None = None,
    ) -> Trait:
        """Return the most common value of a property; add a note if the runs differ."""
        tried_ones = self.tried if among is None else among
        (most, count), *others = Counter(trait(tried.spec) for tried in tried_ones).most_common()
        if others:
            kinds = ", ".join(f"{clean(show(other)) or 'none'} ({number})" for other, number in others)
            self.notes.append(
                f"the {what} differs between runs; using {clean(show(most)) or 'none'} "
                f"({counted(count, 'run')}); others: {kinds}"
            )
        return most


def _compat_word(number: int) -> str:
    return v1.Compat.Name(v1.Compat.ValueType(number)).removeprefix("COMPAT_").lower() if number else ""


def _sources(spec: v1.SweepSpec) -> tuple[tuple[str, str], ...]:
    found = spec.metrics_from
    named = {"stdout": found.stdout, "file": found.file, "tensorboard": found.tensorboard}
    return tuple((name, value) for name, value in named.items() if value)


def _objective(spec: v1.SweepSpec) -> Objective:
    return spec.metric.name, spec.metric.goal


def _shown(objective: Objective) -> str:
    name, goal = objective
    return f"{name}, {'maximize' if goal == v1.GOAL_MAXIMIZE else 'minimize'}" if name else ""


def without_script_parameters(
    standalone: Sequence[Point], swept: Sequence[Point]
) -> tuple[list[Point], list[str]]:
    """Return the points of standalone runs without script-only parameters, and the names of the latter.

    The point of a standalone run is the whole configuration of its script. If a sweep passed script-only
    parameters, the script might not accept them, and runs of sweeps would seem to lack them.
    """
    known = {path for point in swept for path, _ in _leaves(point)}
    seen: dict[Path, set[str]] = {}
    for point in standalone:
        for path, value in _leaves(point):
            if not any(path[:length] in known for length in range(1, len(path) + 1)):
                seen.setdefault(path, set()).add(canonical_json(value))
    dropped = {path for path, values in seen.items() if known and len(values) == 1}
    return [_without(point, dropped) for point in standalone], sorted(".".join(path) for path in dropped)


def _leaves(group: Point, outer: Path = ()) -> Iterator[tuple[Path, Json]]:
    for name, value in group.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*outer, name))
        else:
            yield (*outer, name), value


def _without(group: Point, dropped: set[Path], outer: Path = ()) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for name, value in group.items():
        path = (*outer, name)
        if isinstance(value, dict) and value:
            if members := _without(value, dropped, path):
                kept[name] = members
        elif path not in dropped:
            kept[name] = value
    return kept


if TYPE_CHECKING:
    from sweepd.client import Client


def parents_of(names: Iterable[str], project: str | None) -> set[str]:
    """Return the full names of the projects of the sweeps in `names`; without sweeps, of `project`."""
    parents = {name.rpartition("/")[0] for name in names}
    return parents or {project_name(project or "", current_settings().default("entity"))}


def prior_options_of(
    project: str | None, names: Sequence[str], states: Sequence[str], *, by_sweep: bool
) -> PriorOptions | None:
    """Return the options of `create` that select these prior runs; None if `states` has only `running`."""
    filters = tuple(f"state={state}" for state in states if state != "running")
    if not filters:
        return None
    parents = parents_of(names, project)
    if by_sweep or len(parents) > 1:
        return PriorOptions(prior_sweeps=tuple(names), prior_filters=filters)
    return PriorOptions(prior_project=parents.pop(), prior_filters=filters)


def suitable_runs(client: Client, text: str, prior: PriorOptions | None, runs: int) -> str:
    """Return a phrase for the suitable prior runs, such as `3 of these 8 runs`; empty if none is suitable.

    The server decides whether a run is suitable, because only the server has all logged values.
    """
    if prior is None:
        note("note: runs that have not ended cannot be prior runs")
        return ""
    file = v1.SweepFile(file_name="sweep.yaml", content=text.encode())
    try:
        report = client.preview_sweep(file, 0, selection_of(client, prior)).prior_runs
    except ClientError as error:
        if error.code != "UNAVAILABLE":
            raise
        return "the suitable ones of these runs"  # not counted: their values cannot be read now
    if not report.taken:
        why = f": {clean(report.unsuitable_runs[0].reason)}" if report.unsuitable_runs else ""
        note(f"note: none of these runs is suitable as a prior run{why}")
        return ""
    return "these runs" if report.taken == runs else f"{report.taken:,} of these {runs:,} runs"


def create_line(prior: PriorOptions | None) -> str:
    """Return the command line that creates the sweep with the given prior runs."""
    from shlex import join

    words = ["sweepctl", "create", "sweep.yaml"]
    if prior is not None:
        words += [word for sweep in prior.prior_sweeps for word in ("--prior-sweep", sweep)]
        words += ["--prior-project", prior.prior_project] if prior.prior_project else []
        words += [word for condition in prior.prior_filters for word in ("--filter", condition)]
    if server := current_settings().server:
        words += ["--server", server]
    return join(words)
