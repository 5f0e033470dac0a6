"""Prior runs that suit a sweep, and their values in it (specification, section 13)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf

import pytest

from sweepd.spec.point import Json, point_digest
from sweepd_scheduler.domain.runs.values import Values
from sweepd_scheduler.domain.search.prior_runs import (
    PriorRun,
    UnsuitableError,
    candidate,
    result_in,
)
from sweepd_scheduler.domain.transitions import RunState
from unit.scheduler.prior import an_old_run
from unit.scheduler.world import OBJECTIVE, a_spec

SPACE = {
    "lr": {"min": 0.001, "max": 1.0},
    "depth": {"min": 1, "max": 8},
    "kind": {"values": ["sgd", "adam"]},
    "momentum": {"min": 0.0, "max": 0.9, "when": "kind == 'sgd'"},
}
GOOD: dict[str, Json] = {"lr": 0.1, "depth": 2, "kind": "adam"}
BAYES = {"method": "bayes", "parameters": SPACE, **OBJECTIVE}
GRID = {"method": "grid", "parameters": {"a": {"values": [1, 2.5, "x", None]}}, **OBJECTIVE}


def taken(
    document: Mapping[str, object],
    point: Mapping[str, Json],
    curve: Sequence[float] = (0.5,),
    state: RunState = RunState.FINISHED,
) -> PriorRun:
    spec = a_spec(document)
    found = candidate(spec, an_old_run(point, state=state), None)
    return replace(result_in(spec, found, curve), index=1)


def why_not(
    document: Mapping[str, object],
    point: Mapping[str, Json],
    curve: Sequence[float] = (0.5,),
    state: RunState = RunState.FINISHED,
) -> str:
    with pytest.raises(UnsuitableError) as refusal:
        taken(document, point, curve, state)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("point", "kept"),
    [
        (GOOD, GOOD),
        ({**GOOD, "batch": 32, "opt": {"x": 1}}, GOOD),  # parameters that the sweep does not have are ignored
        ({**GOOD, "depth": 2.0}, GOOD),  # 1 = 1.0
        ({**GOOD, "lr": 1}, {**GOOD, "lr": 1}),
        ({**GOOD, "momentum": 0.5}, GOOD),  # inactive under its conditions
        ({**GOOD, "kind": "sgd", "momentum": 0.5}, {**GOOD, "kind": "sgd", "momentum": 0.5}),
    ],
)
def test_a_point_of_another_sweep_is_converted_to_the_space(
    point: Mapping[str, Json], kept: dict[str, Json]
) -> None:
    found = taken(BAYES, point)
    assert found.point == kept
    assert found.digest == point_digest(kept)
    assert isinstance(found.point["depth"], int)


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ({"lr": 0.1, "kind": "adam"}, "depth is missing"),
        ({**GOOD, "lr": 2.0}, "lr"),
        ({**GOOD, "depth": 2.5}, "depth"),
        ({**GOOD, "depth": True}, "depth"),
        ({**GOOD, "lr": "0.1"}, "lr"),
        ({**GOOD, "kind": "rmsprop"}, "rmsprop"),
        ({**GOOD, "kind": "sgd"}, "momentum is missing"),  # active under its conditions
    ],
)
def test_a_point_outside_the_space_is_left_out_with_the_reason(
    point: Mapping[str, Json], reason: str
) -> None:
    assert reason in why_not(BAYES, point)


@pytest.mark.parametrize(
    ("document", "point"),
    [
        ({**GRID, "constraints": ["a == 1"], "parameters": {"a": {"values": [1, 2]}}}, {"a": 2}),
        ({**GRID, "parameters": {"a": {"values": [1]}, "epochs": {"value": 3}}}, {"a": 1, "epochs": 4}),
        ({**GRID, "parameters": {"a": {"values": [1]}, "epochs": {"value": 3}}}, {"a": 1}),
        ({**GRID, "parameters": {"g": {"parameters": {"a": {"values": [1]}}}}}, {"a": 1}),
        (
            {**GRID, "zip": [["a", "b"]], "parameters": {"a": {"values": [1, 2]}, "b": {"values": [3, 4]}}},
            {"a": 1, "b": 4},
        ),
    ],
)
def test_prior_runs_satisfy_constraints_constants_groups_and_zips(
    document: Mapping[str, object], point: dict[str, Json]
) -> None:
    assert why_not(document, point)


@pytest.mark.parametrize(
    ("left", "right", "same"), [(1, 1.0, True), (1, "1", False), (1, True, False), (None, "None", False)]
)
def test_values_are_the_same_as_in_a_grid(left: Json, right: Json, same: bool) -> None:
    document = {**GRID, "parameters": {"a": {"values": [left]}}}
    if same:
        assert taken(document, {"a": right}).digest == point_digest({"a": left})
    else:
        assert why_not(document, {"a": right})


@pytest.mark.parametrize(
    ("state", "curve", "method", "suits"),
    [
        (RunState.FINISHED, (1.0,), "grid", True),
        (RunState.FINISHED, (), "grid", False),
        (RunState.STOPPED, (), "bayes", False),
        (RunState.STOPPED, (1.0,), "bayes", True),
        (RunState.FAILED, (1.0,), "grid", True),
        (RunState.FAILED, (), "grid", False),
        (RunState.FAILED, (), "bayes", True),  # the search learns from failures
        (RunState.CRASHED, (), "bayes", True),
        (RunState.KILLED, (), "random", False),
    ],
)
def test_a_finite_value_is_required_unless_failures_are_imputed(
    state: RunState, curve: Sequence[float], method: str, suits: bool
) -> None:
    document = {"method": method, "parameters": {"a": {"values": [1, 2]}}, **OBJECTIVE}
    if suits:
        assert taken(document, {"a": 1}, curve, state).value == (curve[0] if curve else None)
    else:
        assert "loss" in why_not(document, {"a": 1}, curve, state)


@pytest.mark.parametrize("state", [RunState.PENDING, RunState.ASSIGNED, RunState.RUNNING])
def test_a_run_that_has_not_ended_is_left_out(state: RunState) -> None:
    assert f"it is {state}" in why_not(BAYES, GOOD, state=state)


def test_a_run_that_was_never_started_is_left_out() -> None:
    with pytest.raises(UnsuitableError, match="never started"):
        candidate(a_spec(BAYES), an_old_run(GOOD, state=RunState.KILLED, tried=False), None)


def test_without_an_objective_only_successful_runs_are_taken() -> None:
    document: dict[str, object] = {"method": "grid", "parameters": {"a": {"values": [1, 2]}}}
    assert taken(document, {"a": 1}, ()).value is None
    assert "failed" in why_not(document, {"a": 1}, (), RunState.FAILED)


@pytest.mark.parametrize(
    ("kind", "goal", "value"),
    [
        ("best", "minimize", 1.0),
        ("best", "maximize", 4.0),
        ("last", "minimize", 2.0),
        ("mean", "maximize", 2.5),
    ],
)
def test_the_value_of_a_prior_run_is_computed_as_the_new_sweep_defines(
    kind: str, goal: str, value: float
) -> None:
    metric = {"name": "acc", "goal": goal, "value": kind}
    found = taken({**GRID, "metric": metric}, {"a": 1}, (3.0, 1.0, 4.0, 2.0))
    assert (found.value, found.values.iterations, found.values.last) == (value, 4, 2.0)


def test_the_mean_of_huge_values_is_finite_or_reported_as_too_large() -> None:
    metric = {"name": "loss", "value": "mean"}
    found = taken({**GRID, "metric": metric}, {"a": 1}, (1e308, 1e308))
    assert found.value is not None
    assert found.value < inf


def test_values_at_rungs_are_those_of_every_rule_of_the_new_sweep() -> None:
    rules = [
        {"type": "hyperband", "min_iter": 2, "eta": 2},
        {"type": "median", "min_iter": 1, "interval": 2},
        {"type": "asha", "min_iter": 3, "eta": 3},
        {"type": "patience", "iterations": 2},
    ]
    found = taken({**GRID, "early_terminate": rules}, {"a": 1}, (5.0, 6.0, 3.0, 4.0))
    assert found.rungs == ((0, 2, 6.0), (0, 4, 4.0), (1, 1, 5.0), (1, 3, 3.0), (2, 3, 3.0))


def test_values_of_the_scheduler_are_used_while_points_are_not_yet_stored() -> None:
    counted = Values(iterations=3, best=0.25, worst=4.0, last=0.5, total=4.75, logged=True)
    before, run = a_spec({**GRID}), an_old_run({"a": 1}, values=counted)
    for spec, value in (
        (before, 0.25),
        (a_spec({**GRID, "metric": {"name": "loss", "goal": "maximize"}}), 4.0),
    ):
        assert result_in(spec, candidate(spec, run, before), [4.0]).value == value
    other = a_spec(
        {**GRID, "metric": {"name": "acc"}}
    )  # another key: the values of the scheduler are of another metric
    assert result_in(other, candidate(other, run, before), [0.75]).value == 0.75


def test_a_list_that_declares_no_parameters_takes_any_point() -> None:
    document: dict[str, object] = {"method": "list", "runs": [{"a": 1}]}
    assert taken(document, {"z": "anything"}, ()).point == {"z": "anything"}


def test_the_value_of_the_summary_is_one_more_than_those_of_the_curve() -> None:
    spec, run = a_spec(BAYES), an_old_run(GOOD, values=Values(iterations=1, best=0.9, worst=0.9, last=0.9))
    found = candidate(spec, run, None)
    assert result_in(spec, found, (0.5, 0.7), 0.25).values.best == 0.25
    assert result_in(spec, found, (0.5, 0.7), 0.6).values.best == 0.5
    assert result_in(spec, found, (0.5, 0.7)).values.iterations == 2
