"""Specification of a sweep: the meaning of a file, from which every part of the product works."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sweepd.spec.finding import Finding
from sweepd.spec.methods.proposed import Cursor, Found, Seen
from sweepd.spec.parameter import Parameter, ParameterNode
from sweepd.spec.point import Json, Point
from sweepd.spec.stop_rules import StopRule

if TYPE_CHECKING:
    from sweepd.spec.space.search_space import SearchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchMethod:
    """One way to choose points. A new one stands in `spec/methods/` and its registry.

    Args:
        name: the word of `method` in a file.
        meaning: what editors show of it.
        search: the next point of a sweep from a cursor on, given what was handed out, how many points there
            are where that is known, and how many candidates may be looked at.
        draw: the point of an index, None where there is none, and how many candidates that took; only of
            methods that draw points.
        check: yields what keeps the method from searching some parameters, given with their paths.
        learns: whether its points depend on results: it needs a metric, and the suggestion service.
        on_grid: whether it goes through the values of a grid.
        listed: whether its points are those of `runs`.
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
        """Return the name: the rest follows from it."""
        return f"<{self.name}>"


class Goal(StrEnum):
    """Direction in which values of the metric are good."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Impute(StrEnum):
    """Value that stands in for a run that has none (bayes)."""

    WORST = "worst"
    BEST = "best"
    LATEST = "latest"


class ObjectiveValue(StrEnum):
    """Value of a run for the search, out of its iterations."""

    BEST = "best"
    LAST = "last"
    MEAN = "mean"


class Compat(StrEnum):
    """Whose module a training script may import, for sweepd's in its place."""

    WANDB = "wandb"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsFrom:
    """Sources of metrics that the script does not log; what is empty is not read.

    Args:
        stdout: regular expression with named groups, for each line of output.
        file: a file of JSON lines, or a table.
        tensorboard: a folder of event files.
    """

    stdout: str = ""
    file: str = ""
    tensorboard: str = ""


class Aggregate(StrEnum):
    """Combination of the values of the runs of one point into that of the point."""

    MEAN = "mean"
    MEDIAN = "median"
    WORST = "worst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Number of retries of a run after its agent was lost, and after it failed."""

    infrastructure: int = 3
    failure: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Failures in a row after which an agent gets no more; share of the last 20 that pauses the sweep."""

    agent: int = 5
    sweep: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """The objective: the key that runs log, and what is wanted of it.

    `impute_while_running` is None where running runs are no data (written `"false"` in the file).
    """

    name: str
    goal: Goal = Goal.MINIMIZE
    target: float | None = None
    impute: Impute = Impute.WORST
    impute_while_running: Impute | None = None
    value: ObjectiveValue = ObjectiveValue.BEST


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSpec:
    """One checked sweep. An empty `command` is the default one; without `seed` one is drawn at creation.

    Args:
        constraints: expressions that hold for every point.
        initial: points that run first; what one leaves out is completed by the method.
        runs: with the method `list`, exactly the points that run.
        shuffle: go through the grid in an order given by the seed.
        zips: dotted names of parameters whose values move together.
        repeats: runs of each point.
        aggregate: how their values become that of the point.
        canary: one run first; the others wait until it has logged the objective.
        sweep_timeout: seconds from the first hand-out until the sweep is stopped.
        requires: labels that an agent must have.
        tags: labels of the sweep, for lists.
        metadata: whatever the user keeps with it.
        compat: the module that scripts find sweepd under.
        metrics_from: where metrics are read that the script does not log.
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
            SearchSpace,  # here, as who only shows a sweep needs no space
        )

        object.__setattr__(
            self,
            "search_space",
            SearchSpace.of(self.parameters, zips=self.zips, constraints=self.constraints),
        )
