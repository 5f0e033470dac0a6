"""Proposals: points chosen by a model, a design, or at random; each is pending for the following runs.

The design: maximin Latin hypercubes, computed from seed and index; infeasible points are replaced. Sources:
McKay, Beckman, Conover (1979), Technometrics 21, 239-245; Johnson, Moore, Ylvisaker (1990), J. Statistical
Planning and Inference 26, 131-148.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Protocol

from sweepd.spec.point import InfeasibleError, Path, Point, point_digest
from sweepd.spec.space.sampling import draw
from sweepd.spec.space.search_space import SearchSpace
from sweepd_suggestion.domain.objective import evidence, selected, sign_of
from sweepd_suggestion.domain.questions import Proposal, Question
from sweepd_suggestion.domain.study import Study

_TRIES = 24
_MIN_SIZE, _MAX_SIZE = 4, 12
_SUBSTITUTES = 6
_MAX_MISSES = 4
"""Limit on infeasible indices, each of which takes thousands of draws."""


def design_size(dimensions: int, most_points: int | None) -> int:
    """Return the design size: two points per dimension, within limits and `most_points` / 3, at least 2."""
    size = min(max(2 * dimensions, _MIN_SIZE), _MAX_SIZE)
    return size if most_points is None else max(2, min(size, most_points // 3))


def design_point(space: SearchSpace, seed: int, index: int, size: int, others: Sequence[Point]) -> Point:
    """Return point `index` of the design, or a substitute if it breaks a constraint.

    A few random points are drawn; the substitute is the one farthest from all `others`.

    Raises:
        InfeasibleError: no draw satisfies the constraints.
    """
    point = space.from_unit(design_vector(space, seed, index, size))
    if space.feasible(point):
        return point
    draws = list(feasible_draws(space, seed, range(_SUBSTITUTES * index, _SUBSTITUTES * (index + 1))))
    if not draws:
        raise InfeasibleError("no draw satisfies the constraints")
    placed = [space.to_unit(other) for other in others]
    return max(draws, key=lambda one: min((_distance(space.to_unit(one), p) for p in placed), default=0.0))


def feasible_draws(space: SearchSpace, seed: int, indices: Iterable[int]) -> Iterator[Point]:
    """Yield a feasible random point for each index; stop after too many indices without one."""
    misses = 0
    for index in indices:
        try:
            yield space.random_point(seed, index)
        except InfeasibleError:
            misses += 1
            if misses == _MAX_MISSES:
                return


def design_vector(space: SearchSpace, seed: int, index: int, size: int) -> tuple[float, ...]:
    """Return the unit coordinates of point `index`: each block of `size` points is one Latin hypercube."""
    block, place = divmod(index, size)
    names = tuple(dimension.path for dimension in space.dimensions)
    return _hypercube(seed, block, size, names)[place]


@lru_cache(maxsize=64)
def _hypercube(seed: int, block: int, size: int, names: tuple[Path, ...]) -> tuple[tuple[float, ...], ...]:
    # In many dimensions, comparing all pairs of points is not worth the time.
    tries = _TRIES if len(names) <= 32 else 1
    candidates = (
        _candidate(seed, (block * _TRIES + attempt) * size, size, names) for attempt in range(tries)
    )
    return max(candidates, key=_least_distance)


def _candidate(seed: int, offset: int, size: int, names: tuple[Path, ...]) -> tuple[tuple[float, ...], ...]:
    columns = []
    for name in names:
        order = sorted(range(size), key=lambda k: draw(seed, offset + k, ("design-order", *name)))
        columns.append([(order[k] + draw(seed, offset + k, ("design", *name))) / size for k in range(size)])
    return tuple(zip(*columns, strict=True))


def _least_distance(points: tuple[tuple[float, ...], ...]) -> float:
    pairs = combinations(points, 2)
    return min((sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) for p, q in pairs), default=0.0)


def _distance(left: tuple[float | None, ...], right: tuple[float | None, ...]) -> float:
    """Return the squared distance between two points; a parameter that only one point has counts as 1."""
    return sum(
        (a - b) ** 2 if a is not None and b is not None else float(a is not b)
        for a, b in zip(left, right, strict=True)
    )


ENGINE = "skopt-gp/3"
"""Engine name; its version increases with every change that alters the points proposed for a question."""

_MAX_PENDING = 100
_MAX_AHEAD = 64


def question(study: Study, run_number: int, count: int) -> Question:
    """Return the question for `count` points, for runs from `run_number` on."""
    spec = study.spec
    assert spec.metric is not None
    assert spec.seed is not None
    known = evidence(study.runs.values(), spec.metric)
    stride = spec.repeats
    newest = max((number for number in study.runs if number > 0), default=1 - stride)
    most_points = None if spec.run_cap is None else spec.run_cap // stride
    unknown = max(0, run_number - newest - 1) // stride
    ahead = min(unknown, _MAX_AHEAD)
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
        pending=known.pending[-_MAX_PENDING:],
        seen=frozenset(study.seen),
    )


class Model(Protocol):
    """Port to a model that proposes points."""

    def propose(self, run_number: int, seen: set[bytes]) -> Proposal | None:
        """Return a point that is not in `seen`, or None if none is found."""

    def add_pending(self, point: Point) -> None:
        """Count a point as pending from now on."""


def proposals(question: Question, model: Model | None) -> tuple[Proposal, ...]:
    """Return the requested points; fewer if no further points are found.

    The first points of a study, and all points without a model, come from the design; seen ones are replaced.
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
            model.add_pending(proposal.point)
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
_MAX_STEPS = 5
"""Number of steps without a point after which a walk stops, since sparse points would take long to find."""


def unseen_point(space: SearchSpace, seed: int, index: int, seen: Collection[bytes]) -> Point | None:
    """Return a random point that is not in `seen`, or None; in an infinite space, if necessary a seen point.

    Draws follow the distributions. If they find only seen points, a finite space is enumerated from a
    random position.
    """
    first: Point | None = None
    for point in feasible_draws(space, seed, range(index * _DRAWS, (index + 1) * _DRAWS)):
        if point_digest(point) not in seen:
            return point
        first = first or point
    end = space.support.size
    if end is None:  # every draw was seen: the space is practically finite, and a point may be repeated
        return first
    start = int(draw(seed, index, ("unseen",)) * end)
    return _first_unseen(space, start, end, seen) or _first_unseen(space, 0, start, seen)


def _first_unseen(space: SearchSpace, start: int, end: int, seen: Collection[bytes]) -> Point | None:
    """Return the first unseen point of a finite space from index `start` to `end` (exclusive), or None."""
    steps = 0
    while start < end and steps < _MAX_STEPS:
        start, point = space.support.next(start, _STEP)
        if point is None:
            steps += 1
        elif start < end:
            if point_digest(point) not in seen:
                return point
            start += 1
    return None
