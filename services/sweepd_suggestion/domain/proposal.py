"""A question to the search, complete in itself, and its answer: what travels to a worker and back."""

from dataclasses import dataclass

from sweepd.spec import Point, SearchSpace
from sweepd_suggestion.domain.design import design_size
from sweepd_suggestion.domain.objective import Valued, evidence, sign_of
from sweepd_suggestion.domain.selection import selected
from sweepd_suggestion.domain.study import Study

ENGINE = "skopt-gp/1"
"""Raised with every change that gives other points for the same question."""

_MOST_PENDING = 100
_MOST_AHEAD = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the model expects at a point, in units of the metric."""

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
    """Points for the runs `run_number` and the `count - 1` after it, given what a study knows.

    The points of runs between `first_run` and `run_number` are not known; they are worked out first, as
    pending. So a point depends on the study and the run's number, not on how many are asked for at once.
    """

    space: SearchSpace
    seed: int
    sign: float
    design_size: int
    observations: int
    first_run: int
    run_number: int
    count: int
    valued: tuple[Valued, ...]
    pending: tuple[Point, ...]
    seen: frozenset[bytes]

    @property
    def has_model(self) -> bool:
        """Whether enough is known to fit a model."""
        return len(self.valued) >= max(2, self.design_size // 2)

    @property
    def design_only(self) -> bool:
        """Whether no point of the answer needs a model."""
        return not self.has_model or self.run_number + self.count - 1 <= self.design_size


def question(study: Study, run_number: int, count: int) -> Question:
    """Return the question for `count` points from `run_number` on."""
    spec = study.spec
    assert spec.metric is not None
    assert spec.seed is not None
    known = evidence(study.runs.values(), spec.metric)
    first_run = max(max(study.runs, default=0) + 1, run_number - _MOST_AHEAD)
    return Question(
        space=spec.search_space,
        seed=spec.seed,
        sign=sign_of(spec.metric),
        design_size=design_size(len(spec.search_space.dimensions), spec.run_cap),
        observations=study.known,
        first_run=min(first_run, run_number),
        run_number=run_number,
        count=count,
        valued=selected(known.valued, spec.seed),
        pending=known.pending[-_MOST_PENDING:],
        seen=frozenset(study.seen),
    )
