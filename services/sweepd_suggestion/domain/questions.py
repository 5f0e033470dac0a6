"""Questions to workers and their answers, each complete in itself: points, and importance of parameters."""

from dataclasses import dataclass

from sweepd.spec.point import Json, Point
from sweepd.spec.space.search_space import SearchSpace
from sweepd_suggestion.domain.objective import Valued


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Prediction of the model at a point, in units of the metric."""

    value: float
    deviation: float
    expected_improvement: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A point for a run; without prediction where no model chose it."""

    run_number: int
    point: Point
    prediction: Prediction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Points for run `run_number` and the `count - 1` after it that get one, given what a study knows.

    With repeats only every `stride`th run gets a point. The points of runs between `first_run` and
    `run_number` are not known; they are worked out first, as pending. So a point depends on the study and the
    run's number, not on how many are asked for at once. `first_place` counts the points before that of
    `first_run`, wherever they came from. `observed` of the values are no imputed ones.
    """

    space: SearchSpace
    seed: int
    sign: float
    design_size: int
    observations: int
    observed: int
    first_run: int
    first_place: int
    run_number: int
    count: int
    stride: int
    valued: tuple[Valued, ...]
    pending: tuple[Point, ...]
    seen: frozenset[bytes]

    @property
    def has_model(self) -> bool:
        """True if there are enough values to fit a model."""
        return len(self.valued) >= max(2, self.design_size // 2)

    @property
    def design_only(self) -> bool:
        """True if no point of the answer needs a model."""
        ahead = (self.run_number - self.first_run) // self.stride
        return not self.has_model or self.first_place + ahead + self.count <= self.design_size


@dataclass(frozen=True, slots=True)
class PointsWanted:
    """Points for `count` runs from `run_number` on."""

    run_number: int
    count: int


@dataclass(frozen=True, slots=True)
class PointsFound:
    """The points, and what the study knew when they were worked out: entries, and values among them."""

    proposals: tuple[Proposal, ...]
    known: int
    observed: int
    exhausted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportanceQuestion:
    """Points of a space, and the finite value of each."""

    space: SearchSpace
    points: tuple[Point, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCorrelation:
    """Correlation of the value with having one category, -1 to 1; None where that is not defined."""

    value: Json
    correlation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterImportance:
    """Importance of one parameter, or of several that vary together.

    Args:
        names: dotted paths.
        importance: its share of what all parameters explain, 0 to 1.
        correlation: of the value with the parameter on the scale on which it is drawn, -1 to 1.
        categories: those that some point has, in the order of the sweep file.
    """

    names: tuple[str, ...]
    importance: float
    correlation: float | None
    categories: tuple[CategoryCorrelation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """The answer, the most important parameter first.

    Args:
        runs: how many points it was worked out from.
        explained: the share of the differences between points that a forest explains for points that it has
            not seen: 1 all of them, 0 or less none. None where there are too few of them, or they are equal.
    """

    parameters: tuple[ParameterImportance, ...]
    runs: int
    explained: float | None
