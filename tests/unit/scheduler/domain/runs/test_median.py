"""Stopping below the median, compared with manual calculations and with the statistics module."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.stop_rules import Median
from sweepd.spec.sweep_spec import Goal
from sweepd_scheduler.domain.runs.early_termination import Rung, Verdict, cost, judge_median, median_without

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def verdict_on(rule: Median, goal: Goal, others: list[float], own: float) -> Verdict | None:
    """Return the verdict on a run whose best is `own`, given the values of the others."""
    rung = Rung()
    for run, value in enumerate([own, *others], start=1):
        rung.put(run, cost(value, goal))
    return judge_median(rule, goal, rule.min_iter, rung, 1, now=42)


@pytest.mark.parametrize(
    ("others", "own", "median"),
    [
        ([0.1, 0.2, 0.3, 0.4, 0.5], 0.31, 0.3),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 0.30, None),  # equal to the median is good enough
        ([0.1, 0.2, 0.3, 0.4, 0.5], 0.05, None),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 0.36, 0.35),  # between the two in the middle
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 0.34, None),
        ([0.1, 0.2, 0.3, 0.4], 9.0, None),  # four other runs are too few
        ([0.2, 0.2, 0.2, 0.2, 0.2], 0.2, None),
    ],
)
def test_worse_than_the_median_of_the_others_stops(
    others: list[float], own: float, median: float | None
) -> None:
    verdict = verdict_on(Median(min_iter=3), Goal.MINIMIZE, others, own)
    assert (verdict.threshold if verdict else None) == (pytest.approx(median) if median else None)


def test_a_maximized_metric_stops_below_the_median() -> None:
    rule = Median(min_iter=2, min_runs=3)
    assert verdict_on(rule, Goal.MAXIMIZE, [0.5, 0.7, 0.9], 0.7) is None
    assert verdict_on(rule, Goal.MAXIMIZE, [0.5, 0.7, 0.9], 0.6) == Verdict(
        rule="median", rung=2, value=0.6, threshold=0.7, rank=3, compared=4, decide_time=42
    )


def test_min_runs_may_be_one() -> None:
    rule = Median(min_iter=1, min_runs=1)
    assert verdict_on(rule, Goal.MINIMIZE, [0.5], 0.6) is not None
    assert verdict_on(rule, Goal.MINIMIZE, [], 0.6) is None


@given(st.lists(FINITE, min_size=2, max_size=30), st.data())
def test_the_median_leaves_out_the_run_that_is_judged(values: list[float], data: st.DataObject) -> None:
    ascending = sorted(values)
    left_out = data.draw(st.sampled_from(ascending))
    others = list(ascending)
    others.remove(left_out)
    middle = (others[(len(others) - 1) // 2], others[len(others) // 2])
    found = median_without(ascending, left_out)
    assert middle[0] <= found <= middle[1]
    if all(abs(value) < 1e150 for value in values):
        assert found == pytest.approx(statistics.median(others), rel=1e-12, abs=1e-300)


@given(st.lists(st.integers(-9, 9).map(float), max_size=20), st.integers(-9, 9), st.sampled_from(Goal))
def test_it_agrees_with_the_median_of_a_list(others: list[float], own: int, goal: Goal) -> None:
    verdict = verdict_on(Median(min_iter=1), goal, others, float(own))
    if len(others) < 5:
        assert verdict is None
        return
    median = statistics.median(others)
    assert (verdict is not None) == (own > median if goal is Goal.MINIMIZE else own < median)
    if verdict is not None:
        assert (verdict.threshold, verdict.compared) == (median, len(others) + 1)
