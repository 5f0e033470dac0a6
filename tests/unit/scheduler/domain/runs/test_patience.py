"""Patience, with sequences of values and manually calculated results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.stop_rules import Patience
from sweepd.spec.sweep_spec import Goal
from sweepd_scheduler.domain.runs.early_termination import (
    PatienceState,
    Verdict,
    judge_patience,
    patience_after,
)


def first_verdict(rule: Patience, goal: Goal, values: list[float]) -> Verdict | None:
    """Return the first verdict against a run that logs these values."""
    state: PatienceState | None = None
    for iteration, value in enumerate(values, start=1):
        state = patience_after(rule, goal, state, iteration, value)
        best = (min if goal is Goal.MINIMIZE else max)(values[:iteration])
        verdict = judge_patience(rule, goal, state, iteration, best, now=42)
        if verdict is not None:
            return verdict
    return None


@pytest.mark.parametrize(
    ("iterations", "min_delta", "values", "stops_at"),
    [
        (2, 0, [0.5, 0.6, 0.7], 3),
        (2, 0, [0.5, 0.5, 0.5], 3),  # an equal value is not an improvement
        (2, 0, [0.5, 0.6, 0.49, 0.5, 0.4], None),
        (1, 0, [0.5, 0.4, 0.3, 0.3], 4),
        (3, 0.1, [1.0, 0.95, 0.92, 0.91], 4),
        (3, 0.1, [1.0, 0.95, 0.92, 0.89, 0.88, 0.87, 0.86], 7),  # small steps add up once
        (3, 0.125, [1.0, 0.875, 0.875, 0.875], 4),  # exactly min_delta is not more than it
        (4, 0, [0.5, 0.6, 0.6, 0.6], None),
    ],
)
def test_a_run_without_improvement_for_the_given_iterations_is_stopped(
    iterations: int, min_delta: float, values: list[float], stops_at: int | None
) -> None:
    verdict = first_verdict(Patience(iterations=iterations, min_delta=min_delta), Goal.MINIMIZE, values)
    assert (verdict.rung if verdict else None) == stops_at


def test_a_verdict_records_the_best_and_the_required_value() -> None:
    rule = Patience(iterations=2, min_delta=0.25)
    assert first_verdict(rule, Goal.MAXIMIZE, [0.5, 0.625, 0.375]) == Verdict(
        rule="patience", rung=3, value=0.625, threshold=0.75, rank=0, compared=0, decide_time=42
    )


@given(
    st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=40),
    st.integers(1, 6),
    st.sampled_from(Goal),
)
def test_it_agrees_with_a_comparison_of_the_full_history(
    values: list[float], iterations: int, goal: Goal
) -> None:
    """The first verdict is at the first iteration whose latest values are no better than the earlier ones."""
    verdict = first_verdict(Patience(iterations=iterations), goal, values)
    costs = values if goal is Goal.MINIMIZE else [-value for value in values]
    found = (
        now
        for now in range(iterations + 1, len(costs) + 1)
        if min(costs[now - iterations : now]) >= min(costs[: now - iterations])
    )
    assert (verdict.rung if verdict else None) == next(found, None)
