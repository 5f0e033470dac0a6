"""A fixed threshold at one iteration."""

import pytest

from sweepd.spec.stop_rules import Threshold
from sweepd.spec.sweep_spec import Goal
from sweepd_scheduler.domain.runs.early_termination import Verdict, judge_threshold


@pytest.mark.parametrize(
    ("goal", "iteration", "value", "stops"),
    [
        (Goal.MINIMIZE, 5, 2.1, True),
        (Goal.MINIMIZE, 5, 2.0, False),  # equal to the threshold is good enough
        (Goal.MINIMIZE, 5, 1.9, False),
        (Goal.MINIMIZE, 4, 9.9, False),
        (Goal.MINIMIZE, 6, 9.9, False),
        (Goal.MAXIMIZE, 5, 1.9, True),
        (Goal.MAXIMIZE, 5, 2.0, False),
        (Goal.MAXIMIZE, 5, 2.1, False),
    ],
)
def test_a_run_that_is_worse_at_the_given_iteration_is_stopped(
    goal: Goal, iteration: int, value: float, stops: bool
) -> None:
    verdict = judge_threshold(Threshold(at=5, value=2.0), goal, iteration, value, now=42)
    assert (verdict is not None) == stops
    if verdict is not None:
        assert verdict == Verdict(
            rule="threshold", rung=5, value=value, threshold=2.0, rank=0, compared=0, decide_time=42
        )
