"""The model-based search with real fits by scikit-optimize."""

import math
import pickle
import time

import pytest

from suggestion_studies import MIXED, SMALL, a_spec, a_study, a_trial, finished, layers_of
from sweepd.spec.point import Json, Point, point_digest
from sweepd_suggestion.domain.gaussian_process import answer
from sweepd_suggestion.domain.proposal import question
from sweepd_suggestion.domain.questions import Proposal
from sweepd_suggestion.domain.study import Ended, HandedOut, Outcome, Study

EVERY_DISTRIBUTION: dict[str, object] = {
    "categorical": {"values": [True, 1, "1", None, [1, 2], {"a": 1.5}]},
    "weighted": {"values": ["a", "b", "c"], "probabilities": [0.7, 0.3, 0.0]},
    "int_uniform": {"min": -3, "max": 2**40},
    "uniform": {"min": -1.0, "max": 1.0},
    "q_uniform": {"distribution": "q_uniform", "min": 1, "max": 20, "q": 3},
    "log_uniform": {"distribution": "log_uniform", "min": -3.0, "max": 2.0},
    "log_uniform_values": {"distribution": "log_uniform_values", "min": 1e-6, "max": 1e3},
    "q_log_uniform_values": {"distribution": "q_log_uniform_values", "min": 1, "max": 512, "q": 8},
    "inv_log_uniform_values": {"distribution": "inv_log_uniform_values", "min": 1e-3, "max": 1.0},
    "normal": {"distribution": "normal", "mu": 5.0, "sigma": 2.0},
    "q_normal": {"distribution": "q_normal", "mu": 0, "sigma": 10, "q": 0.5},
    "log_normal": {"distribution": "log_normal", "mu": 0.0, "sigma": 1.0},
    "beta": {"distribution": "beta", "a": 2.0, "b": 5.0},
    "q_beta": {"distribution": "q_beta", "a": 2.0, "b": 2.0, "q": 0.1},
    "still": {"distribution": "normal", "mu": 3.0, "sigma": 0.0},
}


def next_points(study: Study, count: int = 1) -> list[Proposal]:
    run_number = max(study.runs, default=0) + 1
    return list(answer(question(study, run_number, count)))


def plain(value: Json) -> bool:
    if isinstance(value, list):
        return all(plain(item) for item in value)
    if isinstance(value, dict):
        return all(type(name) is str and plain(item) for name, item in value.items())
    return type(value) in (type(None), bool, int, float, str)


def uniform_loss(point: Point) -> float:
    x = point["uniform"]
    assert isinstance(x, float)
    return x * x


def test_points_of_every_distribution_are_plain_values_inside_the_space() -> None:
    study = a_study(a_spec(EVERY_DISTRIBUTION), 30, uniform_loss)
    proposals = next_points(study, 6)
    assert len(proposals) == 6
    for proposal in proposals:
        assert proposal.prediction is not None
        assert study.spec.search_space.violations(proposal.point) == ()
        assert plain(proposal.point)
        assert proposal.point["weighted"] != "c"


def test_the_same_observations_give_the_same_point_whatever_the_calls() -> None:
    study = a_study(a_spec(), 20, layers_of)
    asked = question(study, 21, 3)
    together = answer(asked)
    assert answer(pickle.loads(pickle.dumps(asked))) == together
    assert answer(question(study, 22, 1)) == together[1:2]
    study.observe(study.known + 1, [HandedOut(run_number=21, point=together[0].point)])
    # One observation more, another question: but still a point, and another one.
    assert next_points(study)[0].point != together[0].point


def test_another_seed_gives_another_point() -> None:
    one, two = (next_points(a_study(a_spec(seed=seed), 20, layers_of)) for seed in (1, 2))
    assert one[0].point != two[0].point


@pytest.mark.parametrize(
    "loss", [lambda _: 3.0, lambda _: None, lambda p: 1e300 * layers_of(p), lambda p: 1e-300 * layers_of(p)]
)
def test_extreme_values_still_give_points(loss: object) -> None:
    assert callable(loss)
    for runs in (1, 2, 12):
        study = a_study(a_spec(), runs, loss)
        for proposal in next_points(study, 2):
            assert study.spec.search_space.violations(proposal.point) == ()


def test_failed_runs_alone_still_give_new_points() -> None:
    study = Study(a_spec())
    for run_number in range(1, 16):
        (proposal,) = next_points(study)
        assert point_digest(proposal.point) not in study.seen
        failed = Ended(run_number=run_number, outcome=Outcome.FAILED, best=1.0, worst=2.0, last=1.0)
        study.observe(study.known + 1, [HandedOut(run_number=run_number, point=proposal.point), failed])


def test_the_region_of_failures_is_avoided() -> None:
    space = {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}}
    spec = a_spec(space)
    study = Study(spec)
    for number in range(1, 31):
        point = spec.search_space.random_point(3, number)
        x = point["x"]
        assert isinstance(x, float)
        end = finished(number, x) if x > 0.3 else Ended(run_number=number, outcome=Outcome.FAILED)
        study.observe(study.known + 1, [HandedOut(run_number=number, point=point), end])
    xs = [proposal.point["x"] for proposal in next_points(study, 4)]
    assert sum(isinstance(x, float) and x > 0.25 for x in xs) >= 3


def test_points_for_parallel_agents_differ_markedly() -> None:
    spec = a_spec({"x": {"min": 0.0, "max": 1.0}})

    def loss(point: Point) -> float:
        x = point["x"]
        assert isinstance(x, float)
        return (x - 0.4) ** 2

    points = [proposal.point["x"] for proposal in next_points(a_study(spec, 8, loss), 8)]
    assert len({round(x, 3) for x in points if isinstance(x, float)}) == 8


def test_a_finite_space_is_never_repeated_and_ends() -> None:
    study = Study(a_spec(SMALL))
    found: list[Point] = []
    while proposals := next_points(study):
        point = proposals[0].point
        found.append(point)
        study.observe(study.known + 1, a_trial(len(found), point, float(len(found))))
    assert len({point_digest(point) for point in found}) == len(found) == 6
    assert study.exhausted


def test_predictions_are_in_units_of_the_metric() -> None:
    study = a_study(a_spec(metric={"goal": "maximize"}), 40, lambda point: 1000.0 * layers_of(point))
    prediction = next_points(study)[0].prediction
    assert prediction is not None
    assert 4000.0 < prediction.value < 12_000.0
    assert 0.0 <= prediction.deviation < 5000.0
    assert 0.0 <= prediction.expected_improvement < 5000.0


def test_categories_have_no_order() -> None:
    names = [f"c{i}" for i in range(8)]
    spec = a_spec({"c": {"values": names}, "x": {"min": 0.0, "max": 1.0}})
    study = a_study(spec, 30, lambda point: 0.0 if point["c"] == "c3" else 1.0 + len(str(point["x"])) / 100)
    found = next_points(study, 4)
    assert [one.run_number for one in found if one.point["c"] != "c3"] == [32]


def test_one_run_in_four_tries_other_categories_unless_they_are_clearly_worse() -> None:
    unit = {"min": 0.0, "max": 1.0}
    spec = a_spec({"c": {"values": ["a", "b"]}, "x": unit, "y": unit})

    def found(runs: int, apart: float) -> list[Json]:
        def loss(point: Point) -> float:
            assert isinstance(point["x"], float)
            assert isinstance(point["y"], float)
            return math.sin(9 * point["x"]) * point["y"] + (apart if point["c"] == "b" else 0.0)

        return [one.point["c"] for one in next_points(a_study(spec, runs, loss), 4)]

    assert found(15, 0.3) == ["b", "a", "a", "a"]
    assert found(31, 3.0) == ["a", "a", "a", "a"]


def test_fifty_observations_in_five_dimensions_take_well_under_a_second() -> None:
    spec = a_spec({f"x{i}": {"min": 0.0, "max": 1.0} for i in range(5)})

    def loss(point: Point) -> float:
        return sum((x - 0.3) ** 2 for x in point.values() if isinstance(x, float))

    study = a_study(spec, 50, loss)
    next_points(study)
    began = time.process_time()
    next_points(study)
    assert time.process_time() - began < 1.0


def test_constants_and_groups_are_part_of_every_point() -> None:
    (proposal,) = next_points(a_study(a_spec(MIXED), 12, layers_of))
    assert proposal.point["fixed"] == {"a": [1, 2.0]}
    nested = proposal.point["nested"]
    assert isinstance(nested, dict)
    assert isinstance(nested["dropout"], float)
