"""Self-contained questions to workers, and their answers: points, and importance of parameters."""

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
    """A point proposed for a run, with a prediction if a model chose it."""

    run_number: int
    point: Point
    prediction: Prediction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Question for `count` points, for runs from `run_number` on, given the state of a study.

    With repeats, only every `stride`th run gets a new point. The study lacks the points of runs from
    `first_run` to `run_number` (exclusive), so these are computed first, as pending. Thus a point depends on
    the study and the run number, not on the number of points requested at once. `first_place` is the number
    of points before that of `first_run`, with prior runs; `observed` is the number of values not imputed.
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
    """Proposed points, and the numbers of observations and of observed values on which they are based."""

    proposals: tuple[Proposal, ...]
    known: int
    observed: int
    exhausted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportanceQuestion:
    """Question for the importance of parameters: points of a space, and a finite value for each."""

    space: SearchSpace
    points: tuple[Point, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCorrelation:
    """Correlation of the metric with the presence of one category, -1 to 1; None if undefined."""

    value: Json
    correlation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterImportance:
    """Importance of one parameter, or of several that vary together.

    Args:
        names: dotted paths.
        importance: share of the total importance, 0 to 1.
        correlation: of the metric with the parameter on its sampling scale, -1 to 1; None if undefined.
        categories: categories that occur in the points, in the order of the sweep file.
    """

    names: tuple[str, ...]
    importance: float
    correlation: float | None
    categories: tuple[CategoryCorrelation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """Importance of all parameters, the most important first.

    Args:
        runs: number of runs on which it is based.
        explained: out-of-bag R² of the forest on ranks: 1 if all variance is explained, 0 or less if none;
            None if there are too few points or all values are equal.
    """

    parameters: tuple[ParameterImportance, ...]
    runs: int
    explained: float | None
