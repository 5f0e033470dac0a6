"""Iterations at which rules of early termination act, and those that an agent reports at once."""

import pytest

from sweepd.spec.stop_rules import (
    Asha,
    Hyperband,
    Median,
    Patience,
    StopRule,
    Threshold,
    reported_at_once,
    urgent_iterations,
)


@pytest.mark.parametrize(
    ("rule", "limit", "brackets"),
    [
        (Hyperband(min_iter=3), 100, (3, 9, 27, 81)),
        (Hyperband(min_iter=4, eta=1.5), 20, (4, 6, 9, 13, 20)),
        (Hyperband(min_iter=2, eta=2), 9, (2, 4, 8)),
        (Hyperband(min_iter=3), 2, ()),
        (Hyperband(min_iter=1, eta=1.01), 3, (1, 2)),
        (Hyperband(max_iter=27, s=2), 10**9, (3, 9)),
        (Hyperband(max_iter=81, s=4), 10**9, (1, 3, 9, 27)),
        (Hyperband(max_iter=100, s=3), 10**9, (3, 11, 33)),
        (Hyperband(max_iter=9, s=2, eta=2), 10**9, (2, 4)),
        (Hyperband(max_iter=100, s=3), 11, (3, 11)),
        (Hyperband(max_iter=2, s=1), 10**9, ()),
        (Hyperband(min_iter=1, eta=1e308), 10**9, (1,)),
    ],
)
def test_the_brackets_are(rule: Hyperband, limit: int, brackets: tuple[int, ...]) -> None:
    assert rule.brackets(limit) == brackets


HALVING = Hyperband(min_iter=2, eta=2)
MEDIAN = Median(min_iter=3, interval=2)
THRESHOLD = Threshold(at=6, value=1.0)


@pytest.mark.parametrize(
    ("rules", "iterations"),
    [
        ([HALVING], (2, 4, 8, 16)),
        ([Asha(min_iter=3, eta=2)], (3, 6, 12, 24)),
        ([Asha(min_iter=1, eta=3, max_iter=9)], (1, 3)),
        ([MEDIAN], (3, 5, 7, 9)),
        ([THRESHOLD], (6,)),
        ([Patience(iterations=5)], (6,)),
        ([HALVING, THRESHOLD, Patience(iterations=5)], (2, 4, 6, 8)),
        ([HALVING, MEDIAN], (2, 3, 4, 5)),
        ([], ()),
    ],
)
def test_the_first_iterations_at_which_a_rule_may_act(
    rules: list[StopRule], iterations: tuple[int, ...]
) -> None:
    assert urgent_iterations(rules, 4) == iterations


@pytest.mark.parametrize(
    ("rules", "limit", "iterations"),
    [
        ([], 4, ()),
        ([HALVING], 3, (2, 4, 8)),
        ([MEDIAN], 3, (3, 5, 7)),
        ([MEDIAN, THRESHOLD], 3, (3, 5, 6)),
        ([MEDIAN, HALVING], 3, (2, 4, 8)),  # the median rule acts often
        ([MEDIAN, Asha(min_iter=1, eta=3, max_iter=9)], 4, (1, 3, 5, 7)),
        ([MEDIAN, THRESHOLD], 1, (6,)),
    ],
)
def test_iterations_of_the_median_are_reported_together_up_to_a_limit(
    rules: list[StopRule], limit: int, iterations: tuple[int, ...]
) -> None:
    assert reported_at_once(rules, limit) == iterations
