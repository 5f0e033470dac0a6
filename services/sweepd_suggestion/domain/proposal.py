"""A question to the search, complete in itself, and its answer: points, pending for the runs after them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from sweepd.spec.point import InfeasibleError, Point, point_digest
from sweepd.spec.space.sampling import draw
from sweepd.spec.space.search_space import SearchSpace
from sweepd_suggestion.domain.design import design_point, design_size, feasible_draws
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


class Model(Protocol):
    """Chooses points from what has been observed."""

    def propose(self, run_number: int, seen: set[bytes]) -> Proposal | None:
        """Return a point that is not among `seen`, None if it finds none."""

    def await_value(self, point: Point) -> None:
        """Count a point as pending from now on."""


def proposals(question: Question, model: Model | None) -> tuple[Proposal, ...]:
    """Return the points asked for; fewer where a finite space has no more.

    The first points of a study are the design's; so are all while there is no model.
    """
    seen = set(question.seen)
    found: list[Proposal] = []
    runs = range(question.first_run, question.run_number + question.count * question.stride, question.stride)
    for place, run_number in enumerate(runs, start=question.first_place):
        modelled = model is not None and place >= question.design_size
        proposal = model.propose(run_number, seen) if model is not None and modelled else None
        proposal = proposal or _unmodelled(question, place, run_number, seen, found, from_design=not modelled)
        if proposal is None:
            break
        seen.add(point_digest(proposal.point))
        if model is not None:
            model.await_value(proposal.point)
        found.append(proposal)
    return tuple(proposal for proposal in found if proposal.run_number >= question.run_number)


def _unmodelled(
    question: Question,
    place: int,
    run_number: int,
    seen: set[bytes],
    found: Sequence[Proposal],
    *,
    from_design: bool,
) -> Proposal | None:
    if from_design:
        others = [*(one.point for one in question.valued), *question.pending, *(one.point for one in found)]
        try:
            point = design_point(question.space, question.seed, place, question.design_size, others)
        except InfeasibleError:
            point = None
        if point is not None and point_digest(point) not in seen:
            return Proposal(run_number=run_number, point=point)
    unseen = unseen_point(question.space, question.seed, run_number - 1, seen)
    return None if unseen is None else Proposal(run_number=run_number, point=unseen)


_DRAWS = 32
_STEP = 1_000
_MOST_STEPS = 5
"""Steps without a point after which a walk gives up: with few points among many, it would be long."""


def unseen_point(space: SearchSpace, seed: int, index: int, seen: Collection[bytes]) -> Point | None:
    """Return a random point that is not among `seen`; None if a finite space has no other, or none is found.

    Draws follow the distributions. Where they keep hitting what is known, the walk through the finite space
    from a random place finds what is left.
    """
    first: Point | None = None
    for point in feasible_draws(space, seed, range(index * _DRAWS, (index + 1) * _DRAWS)):
        if point_digest(point) not in seen:
            return point
        first = first or point
    end = space.finite_combinations
    if end is None:  # every draw was seen: the space is as good as finite, and a point may be tried again
        return first
    start = int(draw(seed, index, ("unseen",)) * end)
    return _walked(space, start, end, seen) or _walked(space, 0, start, seen)


def _walked(space: SearchSpace, start: int, end: int, seen: Collection[bytes]) -> Point | None:
    """Return the first unseen point of the finite space from `start` on, before `end`."""
    steps = 0
    while start < end and steps < _MOST_STEPS:
        start, point = space.next_finite_combination(start, _STEP)
        if point is None:
            steps += 1
        elif start < end:
            if point_digest(point) not in seen:
                return point
            start += 1
    return None
