"""Value of each run for the model."""

import pytest

from suggestion_studies import SMALL, a_spec
from sweepd.spec.point import Point
from sweepd.spec.sweep_spec import Metric
from sweepd_suggestion.domain.objective import Evidence, Valued, evidence, selected
from sweepd_suggestion.domain.study import (
    Ended,
    HandedOut,
    Observation,
    Outcome,
    RungReached,
    Study,
    ValueSoFar,
)

POINT: Point = {"a": "x", "b": 1}


def ended(number: int, outcome: Outcome, *values: float) -> Ended:
    if not values:
        return Ended(run_number=number, outcome=outcome)
    best = min(values)
    return Ended(
        run_number=number, outcome=outcome, value=best, best=best, worst=max(values), last=values[-1]
    )


def model_evidence(*events: Observation, point: Point = POINT, **metric: str) -> Evidence:
    spec = a_spec(SMALL, metric=metric)
    study = Study(spec)
    for number in sorted({event.run_number for event in events}):
        study.observe(study.known + 1, [HandedOut(run_number=number, point=point)])
    study.observe(study.known + 1, list(events))
    assert isinstance(spec.metric, Metric)
    return evidence(study.runs.values(), spec.metric)


def losses(*events: Observation, **metric: str) -> list[float]:
    return [one.loss for one in model_evidence(*events, point=POINT, **metric).valued]


# The worked example of the metric's rules: 5, 0.5, 1 logged; 2 logged; failed without; crashed after 9.
EXAMPLE = (
    ended(1, Outcome.FINISHED, 5.0, 0.5, 1.0),
    ended(2, Outcome.FINISHED, 2.0),
    ended(3, Outcome.FAILED),
    ended(4, Outcome.FAILED, 9.0),
)


def test_a_failed_run_counts_as_the_worst_seen_even_if_it_logged_better() -> None:
    assert losses(*EXAMPLE) == [0.5, 2.0, 9.0, 9.0]
    assert losses(*EXAMPLE, ended(5, Outcome.FAILED, 0.1)) == [0.5, 2.0, 9.0, 9.0, 9.0]


def test_values_that_are_imputed_are_not_observed() -> None:
    under_way = RungReached(run_number=6, iteration=1, value=0.25)
    assert model_evidence(*EXAMPLE).observed == 2
    assert model_evidence(*EXAMPLE, impute="latest").observed == 3
    assert model_evidence(*EXAMPLE, under_way).observed == 2
    assert model_evidence(*EXAMPLE, under_way, impute_while_running="worst").observed == 3
    stopped = ended(5, Outcome.STOPPED, 0.5)
    assert model_evidence(*EXAMPLE, stopped, ended(6, Outcome.NOTHING)).observed == 3


def test_a_value_is_never_invented() -> None:
    assert losses(*EXAMPLE, impute="best") == [0.5, 2.0, 9.0]
    assert losses(ended(1, Outcome.FAILED), ended(2, Outcome.FINISHED)) == []


def test_latest_takes_the_last_value_of_a_failed_run() -> None:
    assert losses(ended(1, Outcome.FAILED, 3.0, 1.0, 2.0), impute="latest") == [2.0]


def test_the_goal_decides_which_is_worst() -> None:
    good = Ended(run_number=1, outcome=Outcome.FINISHED, value=0.9, best=0.9, worst=0.2, last=0.9)
    assert losses(good, ended(2, Outcome.FAILED), goal="maximize") == [-0.9, -0.2]


def test_an_end_without_an_outcome_is_not_observed() -> None:
    assert losses(ended(1, Outcome.NOTHING, 1.0)) == []


def test_a_stopped_run_counts_with_its_value_but_not_as_worse_than_every_finished_one() -> None:
    stopped = ended(2, Outcome.STOPPED, 7.0)
    assert losses(ended(1, Outcome.FINISHED, 4.0), stopped) == [4.0, 4.0]
    assert losses(ended(1, Outcome.FINISHED, 8.0), stopped) == [8.0, 7.0]
    assert losses(stopped) == [7.0]


def test_a_live_run_is_pending_unless_it_is_imputed_while_running() -> None:
    rung = RungReached(run_number=1, iteration=3, value=2.0)
    assert len(model_evidence(rung).pending) == 1
    assert losses(rung) == []
    assert losses(rung, impute_while_running="best") == [2.0]


@pytest.mark.parametrize(
    ("value", "goal", "loss"),
    [
        ("best", "minimize", 1.0),
        ("last", "minimize", 2.0),
        ("mean", "minimize", 2.5),
        ("best", "maximize", -4.5),
        ("last", "maximize", -2.0),
        ("mean", "maximize", -2.5),
    ],
)
def test_a_live_run_counts_with_the_value_that_the_metric_defines(value: str, goal: str, loss: float) -> None:
    """Section 19, `metric.value`."""
    shown = [RungReached(run_number=1, iteration=k, value=v) for k, v in enumerate((4.5, 1.0, 2.0), start=1)]
    assert losses(*shown, value=value, goal=goal, impute_while_running="worst") == [loss]


@pytest.mark.parametrize(("how", "imputed"), [("worst", [9.0]), ("best", []), ("latest", [])])
def test_a_newer_value_so_far_replaces_the_older_one(how: str, imputed: list[float]) -> None:
    done = ended(1, Outcome.FINISHED, 4.0, 9.0)
    rung = RungReached(run_number=2, iteration=1, value=7.0)
    shown = [ValueSoFar(run_number=2, value=value) for value in (6.0, 5.0)]
    nothing = ValueSoFar(run_number=2, value=None)
    assert losses(done, *shown, impute_while_running=how) == [4.0, 5.0]
    assert losses(done, shown[0], shown[0], impute_while_running=how) == [4.0, 6.0]
    assert losses(done, shown[1], rung, impute_while_running=how) == [4.0, 5.0]
    assert losses(done, rung, *shown, nothing, impute_while_running=how) == [4.0, *imputed]
    assert losses(done, *shown, ended(2, Outcome.FINISHED, 8.0), impute_while_running=how) == [4.0, 8.0]
    assert losses(done, *shown) == [4.0]


def test_a_live_run_without_values_is_imputed_or_pending() -> None:
    under_way = HandedOut(run_number=2, point=POINT)
    for how, known in (("worst", [4.0, 7.0]), ("best", [4.0]), ("latest", [4.0]), ("false", [4.0])):
        ended_one = Ended(run_number=1, outcome=Outcome.FINISHED, value=4.0, best=4.0, worst=7.0, last=5.0)
        found = model_evidence(ended_one, under_way, impute_while_running=how)
        assert [one.loss for one in found.valued] == known
        assert len(found.pending) == 2 - len(known)


def test_the_value_that_counts_is_distinguished_from_the_best() -> None:
    """Section 19, `metric.value` and `aggregate`: the scheduler chooses the value that counts."""
    last = Ended(run_number=1, outcome=Outcome.FINISHED, value=3.0, best=None, worst=8.0, last=3.0)
    failed = Ended(run_number=2, outcome=Outcome.FAILED, worst=5.0, last=1.0)
    assert losses(last, failed) == [3.0, 8.0]
    assert losses(last, failed, impute="latest") == [3.0, 1.0]
    assert losses(last, failed, impute="best") == [3.0]


def test_a_failed_run_is_imputed_from_its_best_value_or_else_from_the_one_that_counts() -> None:
    for best, loss in ((1.0, 1.0), (None, 3.0)):
        failed = Ended(run_number=1, outcome=Outcome.FAILED, value=3.0, best=best, worst=8.0, last=4.0)
        assert losses(failed, impute="best") == [loss]


@pytest.mark.parametrize("outside", [{"a": "w", "b": 1}, {"a": "x"}, {"a": "x", "b": 1, "c": 2}])
def test_a_run_outside_the_space_is_left_out(outside: Point) -> None:
    known = model_evidence(ended(1, Outcome.FINISHED, 1.0), point=outside)
    assert known == Evidence((), (), 0)


def test_a_retried_run_is_pending_again_and_its_newest_end_counts() -> None:
    spec = a_spec(SMALL)
    study = Study(spec)
    handed_out = HandedOut(run_number=1, point=POINT)
    assert spec.metric is not None
    study.observe(1, [handed_out, ended(1, Outcome.FINISHED, 5.0), handed_out])
    assert len(evidence(study.runs.values(), spec.metric).pending) == 1
    study.observe(4, [ended(1, Outcome.FINISHED, 3.0)])
    assert [one.loss for one in evidence(study.runs.values(), spec.metric).valued] == [3.0]


def test_a_third_of_the_selected_runs_is_the_best_a_third_the_newest_and_the_rest_is_drawn() -> None:
    """Older runs are better here, so no run is among both the best and the newest."""
    valued = [Valued(number, POINT, float(number)) for number in range(1, 41)]
    by_seed = [[one.run_number for one in selected(valued, seed, 11)] for seed in range(60)]
    for numbers in by_seed:
        assert numbers == sorted(set(numbers))
        assert len(numbers) == 11
        assert numbers[:3] == [1, 2, 3]
        assert numbers[-3:] == [38, 39, 40]
    drawn = {number for numbers in by_seed for number in numbers[3:-3]}
    assert drawn == set(range(4, 38))
    assert selected(valued, 1, 40) == tuple(valued)
