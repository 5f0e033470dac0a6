"""Iterations that the rules of early termination compare, and storage of the values at one."""

import pytest

from sweepd.spec.stop_rules import (
    Asha,
    Hyperband,
    Median,
    Patience,
    StopRule,
    Threshold,
    reported_at_once,
    rungs,
    urgent_iterations,
)
from sweepd.spec.sweep_spec import Goal
from sweepd_scheduler.domain.runs.early_termination import Rung, cost, is_rung, latest_rung


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        (Asha(min_iter=3), (3, 9, 27, 81)),
        (Asha(min_iter=4, eta=1.5), (4, 6, 9, 13, 20)),
        (Asha(min_iter=1, eta=4), (1, 4, 16, 64)),
        (Hyperband(min_iter=2, eta=2), (2, 4, 8, 16)),
    ],
)
def test_rungs_grow_by_eta(rule: Asha | Hyperband, first: tuple[int, ...]) -> None:
    assert rungs(rule)[: len(first)] == first


@pytest.mark.parametrize(("end", "expected"), [(27, (3, 9)), (28, (3, 9, 27)), (4, (3,)), (3, ())])
def test_no_rung_of_asha_lies_at_or_beyond_max_iter(end: int, expected: tuple[int, ...]) -> None:
    assert rungs(Asha(min_iter=3, max_iter=end)) == expected


@pytest.mark.parametrize(
    ("rule", "at"),
    [
        (Asha(min_iter=2, eta=2, max_iter=9), {2, 4, 8}),
        (Median(min_iter=3, interval=4), {3, 7, 11}),
        (Median(min_iter=9), {9, 10, 11, 12}),
        (Patience(iterations=2), set()),
        (Threshold(at=4, value=1.0), set()),
    ],
)
def test_runs_are_compared_at_some_iterations_only(rule: StopRule, at: set[int]) -> None:
    assert {each for each in range(1, 13) if is_rung(rule, each)} == at


@pytest.mark.parametrize(
    ("iterations", "rung"), [(0, 0), (1, 0), (2, 2), (3, 2), (4, 4), (7, 4), (1_000, 512)]
)
def test_the_latest_rung_follows_from_the_iterations(iterations: int, rung: int) -> None:
    assert latest_rung(Hyperband(min_iter=2, eta=2), iterations) == rung


def test_urgent_iterations_of_several_rules_are_merged_and_bounded() -> None:
    rules = (
        Asha(min_iter=3),
        Threshold(at=5, value=0.5),
        Median(min_iter=9, interval=10),
        Patience(iterations=4),
    )
    assert urgent_iterations(rules, 7) == (3, 5, 9, 19, 27, 29, 39)
    assert urgent_iterations((), 64) == ()
    assert urgent_iterations((Median(min_iter=1),), 64) == tuple(range(1, 65))


def test_a_median_at_every_iteration_leaves_room_for_the_rungs_of_others() -> None:
    rules = (Median(min_iter=2), Asha(min_iter=30, max_iter=300), Threshold(at=50, value=0.5))
    assert reported_at_once(rules, 8) == (2, 3, 4, 5, 30, 50, 90, 270)
    assert reported_at_once(rules[1:], 8) == (30, 50, 90, 270)
    assert reported_at_once(rules[:1], 3) == (2, 3, 4)
    assert reported_at_once((), 8) == ()


def test_a_newer_attempt_replaces_the_value_at_a_rung() -> None:
    rung = Rung()
    assert rung.put(1, 0.5) is None
    assert rung.put(1, 0.7) == 0.5
    assert rung.costs == [0.7]


def test_equal_values_share_their_rank() -> None:
    rung = Rung()
    for run, value in enumerate((0.5, 0.1, 0.5, 0.9), start=1):
        rung.put(run, value)
    assert [rung.rank(value) for value in (0.1, 0.5, 0.9)] == [1, 2, 4]


def test_lower_costs_are_better_whatever_the_goal() -> None:
    assert cost(2.0, Goal.MINIMIZE) == 2.0
    assert cost(2.0, Goal.MAXIMIZE) == -2.0
    assert cost(cost(2.0, Goal.MAXIMIZE), Goal.MAXIMIZE) == 2.0


def test_prior_runs_alone_have_negative_numbers() -> None:
    by_run = {-2: 0.5, -1: 0.25, 0: 0.75, 1: 1.0}
    assert Rung.of(by_run, with_prior=True).prior == 2
    assert Rung.of(by_run).prior == 0
