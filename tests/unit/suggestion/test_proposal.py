"""Points without a model: evenly spread, never repeated, and a function of (seed, index) only."""

from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggestion_studies import MIXED, SMALL, a_spec, a_study, a_trial
from sweepd.spec.methods.registry import METHODS
from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import InfeasibleError, Point, point_digest
from sweepd.spec.space.search_space import SearchSpace
from sweepd_suggestion.domain import proposal
from sweepd_suggestion.domain.proposal import (
    ENGINE,
    _first_unseen,
    design_point,
    design_size,
    design_vector,
    proposals,
    question,
    unseen_point,
)
from sweepd_suggestion.domain.questions import Proposal
from sweepd_suggestion.domain.study import HandedOut, Study, objections


def first_points(spec_seed: int, count: int) -> list[Point]:
    study = Study(a_spec(seed=spec_seed))
    return [one.point for one in proposals(question(study, 1, count), None)]


def test_the_first_points_depend_only_on_the_seed() -> None:
    assert first_points(5, 4) == first_points(5, 4)
    assert first_points(5, 4) != first_points(6, 4)


def test_a_point_is_the_same_whether_requested_alone_or_with_others() -> None:
    study = Study(a_spec())
    alone = proposals(question(study, 3, 1), None)
    assert alone == proposals(question(study, 1, 4), None)[2:3]


def test_the_first_points_are_those_of_the_design() -> None:
    spec = a_spec({name: {"min": 0.0, "max": 1.0} for name in "ab"})
    found = [one.point for one in proposals(question(Study(spec), 1, 9), None)]
    assert found == [
        dict(zip("ab", design_vector(spec.search_space, 1, index, 4), strict=True)) for index in range(9)
    ]


@given(seed=st.integers(0, 2**62), size=st.integers(2, 12))
def test_each_dimension_of_the_design_is_covered_evenly(seed: int, size: int) -> None:
    space = a_spec().search_space
    vectors = [design_vector(space, seed, index, size) for index in range(size)]
    for column in zip(*vectors, strict=True):
        assert sorted(int(share * size) for share in column) == list(range(size))


def test_the_design_leaves_most_of_a_short_sweep_to_the_model() -> None:
    assert [design_size(d, None) for d in (1, 3, 50)] == [4, 6, 12]
    assert [design_size(6, cap) for cap in (1, 9, 100)] == [2, 3, 12]


@pytest.mark.lengthy
@given(seed=st.integers(0, 2**40))
def test_a_finite_space_is_enumerated_without_repeats_and_then_exhausted(seed: int) -> None:
    study = Study(a_spec(SMALL, seed=seed))
    for run_number in range(1, 7):
        (proposal,) = proposals(question(study, run_number, 1), None)
        assert point_digest(proposal.point) not in study.seen
        study.observe(study.known + 1, [HandedOut(run_number=run_number, point=proposal.point)])
    assert study.exhausted
    assert proposals(question(study, 7, 1), None) == ()


def test_fewer_points_than_requested_are_returned_if_no_more_are_left() -> None:
    study = Study(a_spec(SMALL))
    assert len(proposals(question(study, 1, 50), None)) == 6


def test_a_value_of_no_probability_does_not_count_towards_the_end() -> None:
    weighted = {"a": {"values": ["x", "y"], "probabilities": [1.0, 0.0]}, "b": {"min": 1, "max": 2}}
    study = Study(a_spec(weighted))
    study.observe(1, [HandedOut(run_number=1, point={"a": "y", "b": 1})])
    study.observe(2, [HandedOut(run_number=2, point={"a": "x", "b": 1})])
    assert not study.exhausted
    (proposal,) = proposals(question(study, 3, 4), None)
    assert proposal.point == {"a": "x", "b": 2}


@pytest.mark.parametrize("last", [1, 377, 500])
def test_the_last_point_of_a_large_space_is_found(last: int) -> None:
    space = a_spec({"n": {"min": 1, "max": 500}}).search_space
    seen = {point_digest({"n": n}) for n in range(1, 501) if n != last}
    assert unseen_point(space, 1, 1, seen) == {"n": last}


def test_points_that_no_draw_finds_are_searched_from_different_starting_points() -> None:
    space = a_spec({"n": {"min": 1, "max": 500}}).search_space
    seen = {point_digest({"n": n}) for n in range(1, 501) if n % 100}
    with patch.object(proposal, "feasible_draws", return_value=()):
        found = [unseen_point(space, 1, index, seen) for index in range(60)]
    assert sorted({str(point) for point in found}) == [f"{{'n': {n}}}" for n in range(100, 501, 100)]


class Sparse:
    """The support of a space in which every ninth combination is a point; counts the steps."""

    def __init__(self) -> None:
        self.steps = 0

    def next(self, start: int, limit: int) -> tuple[int, Point | None]:
        self.steps += 1
        index = -(-start // 9) * 9
        return (index, {"n": index}) if index - start < 3 else (start + 1, None)


@pytest.mark.parametrize(
    ("start", "end", "found", "steps"),
    [
        (9, 10, {"n": 9}, 1),
        (3, 10, {"n": 9}, 5),
        (7, 9, None, 1),  # the end is exclusive
        (0, 99, None, 6),  # the first point is known, and five steps find none
        (9, 9, None, 0),
    ],
)
def test_a_walk_ends_at_its_end_or_after_five_steps_without_a_point(
    start: int, end: int, found: Point | None, steps: int
) -> None:
    space = a_spec(SMALL).search_space
    with patch.object(space, "support", Sparse()) as support:
        assert _first_unseen(space, start, end, {point_digest({"n": 0})}) == found
    assert support.steps == steps


def test_a_point_may_be_repeated_where_an_infinite_space_yields_only_few() -> None:
    space = a_spec({"x": {"distribution": "q_normal", "sigma": 1.0, "q": 1.0}}).search_space
    draws = [space.random_point(1, number) for number in range(5 * 32, 6 * 32)]
    seen = {point_digest(point) for point in draws}
    assert draws[0] != draws[-1]
    assert unseen_point(space, 1, 5, seen) == draws[0]
    assert unseen_point(space, 1, 5, seen - {point_digest(draws[-1])}) == draws[-1]


def squared_distance(left: Point, right: Point) -> float:
    """Return the squared distance of two points of `BRANCHED`; a parameter of only one counts as 1."""
    total = 0.0
    for name in left.keys() | right.keys():
        one, other = left.get(name), right.get(name)
        total += (one - other) ** 2 if isinstance(one, float) and isinstance(other, float) else 1.0
    return total


BRANCHED = {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0, "when": "x > 0.3"}}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "others", [[{"x": 0.2}], [{"x": 0.95, "y": 0.9}], [{"x": 0.1}, {"x": 0.9, "y": 0.2}]]
)
def test_a_substitute_is_the_farthest_of_six_draws(seed: int, others: list[Point]) -> None:
    space = a_spec(BRANCHED, constraints=["x < 0.6 or y > 0.1"]).search_space
    vectors = ((index, design_vector(space, seed, index, 12)) for index in range(100))
    index = next(index for index, (x, y) in vectors if x >= 0.6 and y <= 0.1)
    draws = [space.random_point(seed, number) for number in range(6 * index, 6 * index + 6)]
    farthest = max(draws, key=lambda one: min(squared_distance(one, other) for other in others))
    assert design_point(space, seed, index, 12, others) == farthest


class Barren(SearchSpace):
    """A space in which no draw satisfies the constraints; counts the draws."""

    drawn = 0

    def random_point(self, seed: int, index: int) -> Point:
        self.drawn += 1
        raise InfeasibleError("no draw satisfies the constraints")


def test_a_search_gives_up_where_points_are_rare() -> None:
    plain = a_spec({name: {"min": 0, "max": 9} for name in "abc"}).search_space
    space = Barren(plain.parameters, constraints=("(a * 100 + b * 10 + c) % 2000 == 999",))
    with patch.object(proposal, "_STEP", 10):
        assert unseen_point(space, 1, 1, ()) is None
    assert space.drawn == 4, "each takes thousands of draws"


def test_without_a_point_for_a_run_none_is_looked_for_for_the_following_ones() -> None:
    asked = question(a_study(a_spec(SMALL), 6, lambda _: 1.0), 7, 4)
    with patch.object(proposal, "unseen_point", return_value=None) as looked:
        assert proposals(asked, None) == ()
    assert looked.call_count == 1


def test_points_of_the_design_are_pinned_to_the_engine_version() -> None:
    space = a_spec({name: {"min": 0.0, "max": 1.0} for name in "ab"}).search_space
    assert ENGINE == "skopt-gp/3"
    assert [design_vector(space, 7, index, 4) for index in (0, 5)] == [
        (0.14681802900083207, 0.5586520163930775),
        (0.3358455802889456, 0.7835063291947181),
    ]


@pytest.mark.parametrize(("count", "first"), [(32, 0.21263806722308418), (33, 0.4536288443873777)])
def test_hypercubes_are_compared_in_up_to_thirty_two_dimensions(count: int, first: float) -> None:
    space = a_spec({f"p{number}": {"min": 0.0, "max": 1.0} for number in range(count)}).search_space
    assert design_vector(space, 7, 0, 4)[0] == first


def test_every_point_lies_in_the_space_and_has_plain_types() -> None:
    space = a_spec().search_space
    for point in first_points(3, 30):
        assert space.violations(point) == ()
        assert type(point["layers"]) is int


def test_a_question_is_marked_when_no_model_is_needed() -> None:
    few = a_study(a_spec(MIXED), 2, lambda _: 1.0)
    assert question(few, 30, 1).design_only  # too few observations
    many = a_study(a_spec(MIXED), 20, lambda _: 1.0)
    assert question(many, 8, 1).design_only
    assert not question(many, 9, 1).design_only


@pytest.mark.parametrize(("parameters", "fewest"), [(MIXED, 4), (SMALL, 2)])
def test_a_model_needs_values_of_half_the_design(parameters: dict[str, object], fewest: int) -> None:
    for runs in (fewest - 1, fewest):
        asked = question(a_study(a_spec(parameters), runs, lambda _: 1.0), 30, 1)
        assert asked.has_model == (not asked.design_only) == (runs == fewest)


@pytest.mark.parametrize(
    ("run_number", "count", "design_only"), [(31, 1, True), (36, 1, True), (36, 2, False), (41, 1, False)]
)
def test_points_that_are_computed_first_count_for_the_design(
    run_number: int, count: int, design_only: bool
) -> None:
    study = Study(a_spec(MIXED, repeats=5))
    for number in (1, 6, 11, 16):
        point = study.spec.search_space.random_point(7, number)
        study.observe(study.known + 1, a_trial(number, point, 1.0))
    asked = question(study, run_number, count)
    assert asked.has_model
    assert asked.design_only == design_only


class Recording:
    """A model that proposes points by number; records the runs it is asked for, and the pending points."""

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.pending: list[Point] = []

    def propose(self, run_number: int, seen: set[bytes]) -> Proposal:
        self.runs.append(run_number)
        return Proposal(run_number=run_number, point={"n": run_number})

    def add_pending(self, point: Point) -> None:
        self.pending.append(point)


def test_a_model_proposes_points_after_the_design_and_gets_each_as_pending() -> None:
    model, study = Recording(), a_study(a_spec(MIXED), 6, lambda _: 1.0)
    found = proposals(question(study, 8, 3), model)
    assert question(study, 8, 3).design_size == 8
    assert model.runs == [9, 10]
    assert [one.run_number for one in found] == [8, 9, 10]
    assert len(model.pending) == 4  # one of them is the point of run 7, which was not requested
    assert model.pending[1:] == [one.point for one in found]


class ExhaustedModel:
    """A model that finds no point."""

    def propose(self, run_number: int, seen: set[bytes]) -> None:
        return None

    def add_pending(self, point: Point) -> None:
        pass


def test_if_the_model_finds_no_point_each_run_gets_its_own_random_point() -> None:
    spec = a_spec(MIXED)
    asked = question(a_study(spec, 20, lambda _: 1.0), 21, 3)
    assert [one.point for one in proposals(asked, ExhaustedModel())] == [
        spec.search_space.random_point(1, 32 * (run_number - 1)) for run_number in (21, 22, 23)
    ]


def test_the_design_counts_points_and_not_run_numbers() -> None:
    """With repeats and enqueued points, run numbers are higher than the indexes of points."""
    spec = a_spec(MIXED, repeats=5)
    study = Study(spec)
    assert question(study, 36, 1).design_only  # the eighth point
    assert question(study, 36, 1).first_place == 0
    for number in (1, 6, 26):
        point = spec.search_space.random_point(7, number)
        study.observe(study.known + 1, a_trial(number, point, 1.0))
    asked = question(study, 31, 2)
    assert (asked.first_run, asked.first_place) == (31, 3)
    assert [one.run_number for one in proposals(asked, None)] == [31, 36]
    assert proposals(asked, None)[1:] == proposals(question(study, 36, 1), None)


def test_a_known_run_keeps_its_index_in_the_design() -> None:
    study = a_study(a_spec(MIXED), 10, lambda _: 1.0)
    assert [question(study, number, 1).first_place for number in (1, 5, 10, 11)] == [0, 4, 9, 10]


def test_prior_runs_do_not_count_as_the_newest() -> None:
    study = Study(a_spec(MIXED))
    for number in (-2, -1):
        point = study.spec.search_space.random_point(7, number + 9)
        study.observe(study.known + 1, a_trial(number, point, 1.0))
    assert question(study, 1, 1).first_run == 1
    study.observe(study.known + 1, a_trial(1, study.spec.search_space.random_point(7, 1), 1.0))
    assert question(study, 2, 1).first_run == 2


@pytest.mark.parametrize(("runs", "first"), [(3, 1), (100, 1), (130, 31)])
def test_the_hundred_points_handed_out_last_are_pending(runs: int, first: int) -> None:
    study = Study(a_spec({"n": {"min": 1, "max": 500}}))
    study.observe(1, [HandedOut(run_number=n, point={"n": n}) for n in range(1, runs + 1)])
    assert question(study, runs + 1, 1).pending == tuple({"n": n} for n in range(first, runs + 1))


def test_points_outside_the_space_do_not_use_up_the_design() -> None:
    study = a_study(a_spec(SMALL), 1, lambda _: 1.0)
    study.observe(study.known + 1, a_trial(2, {"a": "elsewhere", "b": 1}, 1.0))
    assert question(study, 3, 1).first_place == 1


def test_a_third_of_the_points_that_a_cap_allows_is_enough_for_the_design() -> None:
    assert question(Study(a_spec(MIXED, run_cap=45, repeats=5)), 1, 1).design_size == 3


def test_runs_between_the_newest_and_the_requested_one_are_computed_first() -> None:
    study = a_study(a_spec(MIXED), 10, lambda _: 1.0)
    assert question(study, 14, 1).first_run == 11
    assert question(study, 5, 1).first_run == 5
    assert question(study, 10_000, 1).first_run == 10_000 - 64


def test_in_a_sweep_without_runs_all_points_up_to_the_requested_one_are_computed() -> None:
    study = Study(a_spec(MIXED))
    assert [question(study, number, 1).first_run for number in (1, 2, 4)] == [1, 1, 1]
    repeated = Study(a_spec(MIXED, repeats=5))
    assert [question(repeated, number, 1).first_run for number in (1, 6, 16)] == [1, 1, 1]


@pytest.mark.parametrize(("run_cap", "repeats"), [(1, 1), (3, 5), (6, 1)])
def test_a_sweep_of_few_runs_has_a_design_of_two_points(run_cap: int, repeats: int) -> None:
    assert question(Study(a_spec(MIXED, run_cap=run_cap, repeats=repeats)), 1, 1).design_size == 2


def test_the_best_is_always_among_the_selected() -> None:
    spec = a_spec(MIXED)
    study = Study(spec)
    for number in range(1, 601):
        point = spec.search_space.random_point(1, number)
        study.observe(study.known + 1, a_trial(number, point, abs(number - 50.0)))
    chosen = question(study, 601, 1).valued
    assert len(chosen) == 150
    numbers = [one.run_number for one in chosen]
    assert {50, 51, 600} <= set(numbers)
    assert all(a < b for a, b in pairwise(numbers))


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"a": {"value": 1}}, "parameters"),
        ({f"p{i}": {"min": 0.0, "max": 1.0} for i in range(1_025)}, "parameters"),
    ],
)
def test_an_unsupported_space_is_refused_with_the_reason(parameters: dict[str, object], path: str) -> None:
    parsed = parse_mapping({"method": "random", "metric": {"name": "loss"}, "parameters": parameters})
    assert parsed.spec is not None
    spec = replace(parsed.spec, method=METHODS["bayes"])
    assert [where for where, _ in objections(spec)] == [path]
    assert not list(objections(a_spec()))
    assert next(where for where, _ in objections(replace(spec, metric=None))) == "metric"


def test_a_thousand_and_twenty_four_parameters_can_be_searched() -> None:
    assert not list(objections(a_spec({f"p{i}": {"min": 0.0, "max": 1.0} for i in range(1_024)})))


def test_constraints_without_any_point_are_reported() -> None:
    names = {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}}
    spec = replace(a_spec(names), constraints=("x + y < 1e-9",))
    ((where, why),) = objections(spec)
    assert where == "constraints"
    assert "loosen" in why
