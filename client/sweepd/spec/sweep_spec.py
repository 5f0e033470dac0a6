"""Specification of a sweep: the validated content of a file, used by every part of the product."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sweepd.spec.finding import Finding
from sweepd.spec.methods.proposed import Cursor, Found, Seen
from sweepd.spec.point import Json, Parameter, ParameterNode, Point
from sweepd.spec.stop_rules import StopRule

if TYPE_CHECKING:
    from sweepd.spec.space.search_space import SearchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchMethod:
    """Search method. A new method needs a module in `spec/methods/` and an entry in its registry.

    Args:
        name: value of `method` in a file.
        meaning: description shown by editors.
        search: returns the next point, given a sweep, a cursor, the points handed out, the number of points
            if known, and the maximum number of candidates.
        draw: returns the point at an index, or None if there is none, and its cost in candidates; None for
            methods that do not draw points.
        check: yields reasons why the method cannot search the parameters, which are given with their paths.
        learns: whether points depend on results; this needs a metric and the suggestion service.
        on_grid: whether it enumerates a grid.
        listed: whether its points are listed in `runs`.
        whole: whether all dimensions of a point are drawn together.
    """

    name: str
    meaning: str
    search: "Callable[[SweepSpec, Cursor, Seen, int | None, int], Found]"
    draw: "Callable[[SweepSpec, int], tuple[Point | None, int]] | None" = None
    check: Callable[[Sequence[tuple[str, Parameter]]], Iterator[Finding]] | None = None
    learns: bool = False
    on_grid: bool = False
    listed: bool = False
    whole: bool = False

    def __repr__(self) -> str:
        """Return the name, which identifies the method, in angle brackets."""
        return f"<{self.name}>"


class Goal(StrEnum):
    """Direction of optimisation of the metric."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Impute(StrEnum):
    """Choice of the value that bayes substitutes for a run's missing value."""

    WORST = "worst"
    BEST = "best"
    LATEST = "latest"


class ObjectiveValue(StrEnum):
    """Choice of how the value of a run is derived from the values that it has logged."""

    BEST = "best"
    LAST = "last"
    MEAN = "mean"


class Compat(StrEnum):
    """Product whose module sweepd replaces in training scripts."""

    WANDB = "wandb"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsFrom:
    """Sources of metrics that the script does not log; an empty source is not read.

    Args:
        stdout: regular expression with named groups, applied to each line of output.
        file: a file of JSON lines, or a table.
        tensorboard: a folder of event files.
    """

    stdout: str = ""
    file: str = ""
    tensorboard: str = ""


class Aggregate(StrEnum):
    """Aggregation of the values of a point's runs into the value of the point."""

    MEAN = "mean"
    MEDIAN = "median"
    WORST = "worst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Maximum retries of a run after its agent is lost (`infrastructure`), and after it fails (`failure`)."""

    infrastructure: int = 3
    failure: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Limits on failures at which an agent is quarantined or the sweep is paused.

    `agent` is a number of consecutive failures, `sweep` a share of failed runs among the last 20 that ended.
    """

    agent: int = 5
    sweep: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """Objective of a sweep: the key that runs log, and the use of its values.

    `impute_while_running` is None if live runs are ignored (`"false"` in the file).
    """

    name: str
    goal: Goal = Goal.MINIMIZE
    target: float | None = None
    impute: Impute = Impute.WORST
    impute_while_running: Impute | None = None
    value: ObjectiveValue = ObjectiveValue.BEST


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSpec:
    """Checked specification of a sweep.

    An empty `command` means the default command; without `seed`, one is drawn at creation.

    Args:
        constraints: expressions that hold for every point.
        initial: points that run first; the method chooses missing values.
        runs: all points to run, with the method `list`.
        shuffle: enumerate the grid in an order given by the seed.
        zips: dotted names of parameters whose values are combined by position.
        repeats: number of runs of each point.
        aggregate: aggregation of the values of a point's runs into the value of the point.
        canary: start one run first; the others wait until it has logged the objective.
        sweep_timeout: seconds from the first hand-out until the sweep is stopped.
        requires: labels that an agent must have.
        tags: labels of the sweep.
        metadata: arbitrary user data.
        compat: product whose module sweepd replaces in scripts.
        metrics_from: sources of metrics that the script does not log.
    """

    method: SearchMethod
    parameters: Mapping[str, ParameterNode]
    name: str | None = None
    description: str | None = None
    project: str | None = None
    entity: str | None = None
    program: str | None = None
    command: tuple[str, ...] = ()
    metric: Metric | None = None
    early_terminate: tuple[StopRule, ...] = ()
    run_cap: int | None = None
    seed: int | None = None
    constraints: tuple[str, ...] = ()
    initial: tuple[Point, ...] = ()
    runs: tuple[Point, ...] = ()
    shuffle: bool = False
    zips: tuple[tuple[str, ...], ...] = ()
    repeats: int = 1
    aggregate: Aggregate = Aggregate.MEAN
    retry: Retry = Retry()
    canary: bool = False
    guard: Guard = Guard()
    sweep_timeout: float | None = None
    requires: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)
    compat: Compat | None = None
    metrics_from: MetricsFrom | None = None
    search_space: "SearchSpace" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        from sweepd.spec.space.search_space import (
            SearchSpace,  # imported lazily: displaying a sweep needs no space
        )

        object.__setattr__(
            self,
            "search_space",
            SearchSpace(self.parameters, zips=self.zips, constraints=self.constraints),
        )
