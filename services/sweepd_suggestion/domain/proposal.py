"""A question to the search, complete in itself, and its answer: what travels to a worker and back."""

from dataclasses import dataclass

from sweepd.spec import Point, SearchSpace
from sweepd_suggestion.domain.design import design_size
from sweepd_suggestion.domain.objective import Valued, evidence, selected, sign_of
from sweepd_suggestion.domain.study import Study

ENGINE = "skopt-gp/3"
"""Raised with every change that gives other points for the same question."""

_MOST_PENDING = 100
_MOST_AHEAD = 64


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


def question(study: Study, run_number: int, count: int) -> Question:
    """Return the question for `count` points from `run_number` on."""
    spec = study.spec
    assert spec.metric is not None
    assert spec.seed is not None
    known = evidence(study.runs.values(), spec.metric)
    stride = spec.repeats
    newest = max((number for number in study.runs if number > 0), default=1 - stride)
    most_points = None if spec.run_cap is None else max(1, spec.run_cap // stride)
    unknown = max(0, run_number - newest - 1) // stride
    ahead = min(unknown, _MOST_AHEAD)
    return Question(
        space=spec.search_space,
        seed=spec.seed,
        sign=sign_of(spec.metric),
        design_size=design_size(len(spec.search_space.dimensions), most_points),
        observations=study.known,
        observed=known.observed,
        first_run=run_number - ahead * stride,
        first_place=study.points_before(run_number) + unknown - ahead,
        run_number=run_number,
        count=count,
        stride=stride,
        valued=selected(known.valued, spec.seed),
        pending=known.pending[-_MOST_PENDING:],
        seen=frozenset(study.seen),
    )
