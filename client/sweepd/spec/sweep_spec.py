"""What a sweep file means once it is read: the specification that every part of the product works from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sweepd.spec.hyperband import Hyperband
from sweepd.spec.search_space import ParameterNode, SearchSpace


class Method(StrEnum):
    """How the next point is found."""

    GRID = "grid"
    RANDOM = "random"
    BAYES = "bayes"


class Goal(StrEnum):
    """Which values of the metric are good."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Impute(StrEnum):
    """Which value stands in for a run that has none (bayes)."""

    WORST = "worst"
    BEST = "best"
    LATEST = "latest"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSpec:
    """One checked sweep. An empty `command` is the default one; without `seed` one is drawn at creation."""

    method: Method
    parameters: Mapping[str, ParameterNode]
    name: str | None = None
    description: str | None = None
    project: str | None = None
    entity: str | None = None
    program: str | None = None
    command: tuple[str, ...] = ()
    metric: Metric | None = None
    early_terminate: Hyperband | None = None
    run_cap: int | None = None
    seed: int | None = None
    search_space: SearchSpace = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "search_space", SearchSpace.of(self.parameters))
