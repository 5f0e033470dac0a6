"""Aggregation of the runs of one point into one observation."""

import math
import statistics
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.sweep_spec import Aggregate, Goal
from sweepd_scheduler.domain.runs.values import (
    NO_VALUES,
    EndedTrial,
    Ranking,
    aggregated,
    better,
    point_ended,
)
from sweepd_scheduler.domain.transitions import RunState

FINISHED, STOPPED, FAILED = RunState.FINISHED, RunState.STOPPED, RunState.FAILED
CRASHED, KILLED = RunState.CRASHED, RunState.KILLED
LARGEST = sys.float_info.max


def ended(state: RunState, value: float | None) -> EndedTrial:
    last = None if value is None else value + 1
    worst = None if value is None else value + 2
    best = None if value is None else value - 1
    return EndedTrial(state=state, value=value, best=best, worst=worst, last=last, iterations=3)


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((FINISHED, FINISHED), FINISHED),
        ((FINISHED, STOPPED), STOPPED),
        ((STOPPED, FAILED, FINISHED), FAILED),
        ((FINISHED, CRASHED), FINISHED),
        ((CRASHED, STOPPED), STOPPED),
        ((CRASHED, KILLED), CRASHED),
        ((KILLED, KILLED), KILLED),
    ],
)
def test_the_most_severe_end_of_its_runs_is_that_of_the_point(
    states: tuple[RunState, ...], state: RunState
) -> None:
    block = [ended(each, 1.0) for each in states]
    assert point_ended(block, Aggregate.MEAN, Goal.MINIMIZE).state is state


@pytest.mark.parametrize(
    ("how", "goal", "value"),
    [
        (Aggregate.MEAN, Goal.MINIMIZE, 2.5),
        (Aggregate.MEDIAN, Goal.MINIMIZE, 1.5),
        (Aggregate.WORST, Goal.MINIMIZE, 6.0),
        (Aggregate.WORST, Goal.MAXIMIZE, 1.0),
    ],
)
def test_values_are_aggregated_as_the_sweep_says(how: Aggregate, goal: Goal, value: float) -> None:
    block = [ended(FINISHED, each) for each in (1.0, 6.0, 1.0, 2.0)]
    assert point_ended(block, how, goal).value == value


def test_a_point_aggregates_the_values_of_finished_and_stopped_runs() -> None:
    block = [ended(FINISHED, 1.0), ended(STOPPED, 3.0), ended(CRASHED, 100.0), ended(FINISHED, None)]
    assert point_ended(block, Aggregate.MEAN, Goal.MINIMIZE) == EndedTrial(
        state=STOPPED, value=2.0, best=1.0, worst=102.0, last=3.0, iterations=3
    )


@pytest.mark.parametrize(("handed_out", "tried"), [((True, False), True), ((False, False), False)])
def test_a_point_counts_as_tried_once_one_of_its_runs_has_begun(
    handed_out: tuple[bool, ...], tried: bool
) -> None:
    block = [EndedTrial.of(KILLED, NO_VALUES, None, tried=each) for each in handed_out]
    assert point_ended(block, Aggregate.MEAN, Goal.MINIMIZE).tried is tried


def test_a_failed_point_has_no_value() -> None:
    point = point_ended([ended(FINISHED, 1.0), ended(FAILED, 0.5)], Aggregate.MEAN, Goal.MINIMIZE)
    assert (point.state, point.value, point.worst) == (FAILED, None, 3.0)


def test_a_point_without_values_has_none() -> None:
    point = point_ended([ended(FINISHED, None), ended(CRASHED, 1.0)], Aggregate.MEDIAN, Goal.MINIMIZE)
    assert (point.state, point.value, point.last) == (FINISHED, None, None)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20),
    st.sampled_from(Aggregate),
    st.sampled_from(Goal),
)
def test_the_aggregate_of_finite_values_is_finite_and_between_them(
    values: list[float], how: Aggregate, goal: Goal
) -> None:
    found = aggregated(values, how, goal)
    assert found is not None
    assert math.isfinite(found)
    slack = 1e-9 * max(map(abs, values))
    assert min(values) - slack <= found <= max(values) + slack
    if how is Aggregate.MEDIAN and max(map(abs, values)) < 1e300:
        assert found == pytest.approx(statistics.median(values))


def test_the_mean_is_right_although_the_sum_overflows() -> None:
    assert aggregated([LARGEST, LARGEST, LARGEST], Aggregate.MEAN, Goal.MINIMIZE) == pytest.approx(LARGEST)
    assert aggregated([LARGEST, -LARGEST], Aggregate.MEAN, Goal.MINIMIZE) == 0.0


@pytest.mark.parametrize("goal", Goal)
def test_an_equal_value_is_not_better(goal: Goal) -> None:
    assert better(0.5, None, goal)
    assert not better(0.5, 0.5, goal)
    assert better(0.5, 0.75, goal) is (goal is Goal.MINIMIZE)
    assert better(0.75, 0.5, goal) is (goal is Goal.MAXIMIZE)


def test_a_ranking_returns_what_it_replaces() -> None:
    ranking = Ranking(Goal.MINIMIZE)
    assert [ranking.put(1, value) for value in (0.5, 0.25, None, None)] == [None, 0.5, 0.25, None]
