"""Hyperband's stopping form, by the worked examples that define it."""

import pytest

from sweepd.spec.stop_rules import Hyperband
from sweepd.spec.sweep_spec import Goal
from sweepd_scheduler.domain.runs.early_termination import Contender, Rung, cost, judge_hyperband

RUNNING_MINIMIZE = {
    "p": (False, [0.90, 0.70, 0.50, 0.40]),
    "q": (False, [0.95, 0.80, 0.75, 0.70]),
    "r": (True, [0.85, 0.60]),
    "s": (True, [0.99, 0.97, 0.30]),
    "t": (True, [0.70]),
    "u": (True, [0.93, 0.90, 0.88, 0.86]),
}
RUNNING_MAXIMIZE = {
    "x": (True, [10.0, 60.0, 70.0]),
    "y": (True, [20.0, 50.0]),
    "z": (False, [30.0, 80.0]),
    "w": (True, [5.0]),
}
Runs = dict[str, tuple[bool, list[float]]]


def stopped(runs: Runs, goal: Goal, rule: Hyperband) -> set[str]:
    """Judge every rung once, with all values in place, and return the names of the runs that stop."""
    names = dict(enumerate(runs, start=1))
    brackets = rule.brackets(100)
    found: set[str] = set()
    for number in brackets:
        rung, contenders = Rung(), []
        for key, name in names.items():
            running, values = runs[name]
            if len(values) >= number:
                rung.put(key, cost(values[number - 1], goal))
            latest = max((b for b in brackets if b <= len(values)), default=None)
            if running and latest == number:
                best = min(values) if goal is Goal.MINIMIZE else max(values)
                contenders.append(Contender(number=key, best=best))
        if contenders:
            found |= {names[key] for key in judge_hyperband(rule, goal, number, rung, contenders, now=0)}
    return found


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Hyperband(min_iter=2, eta=2, strict=True), {"s", "u"}),
        (Hyperband(min_iter=2, eta=2, strict=False), {"u"}),
        (Hyperband(min_iter=2, strict=True), {"s", "u"}),
        (Hyperband(max_iter=9, s=2, eta=2, strict=True), {"s", "u"}),
    ],
)
def test_the_worked_example_with_a_minimized_metric(rule: Hyperband, expected: set[str]) -> None:
    assert stopped(RUNNING_MINIMIZE, Goal.MINIMIZE, rule) == expected


def test_the_worked_example_with_a_maximized_metric() -> None:
    rule = Hyperband(min_iter=1, eta=2, strict=True)
    assert stopped(RUNNING_MAXIMIZE, Goal.MAXIMIZE, rule) == {"w", "y"}


@pytest.mark.parametrize(("count", "survivors"), [(1, 1), (2, 1), (3, 2), (6, 3), (9, 4)])
def test_the_best_n_over_eta_and_one_survive(count: int, survivors: int) -> None:
    rung = Rung()
    for number in range(1, count + 1):
        rung.put(number, float(number))
    contenders = [Contender(number=number, best=float(number)) for number in range(1, count + 1)]
    against = judge_hyperband(Hyperband(min_iter=1), Goal.MINIMIZE, 1, rung, contenders, now=0)
    assert count - len(against) == survivors


def test_ties_with_the_threshold_survive() -> None:
    rung = Rung()
    for number in (1, 2, 3):
        rung.put(number, 0.5)
    contenders = [Contender(number=number, best=0.5) for number in (1, 2, 3)]
    assert not judge_hyperband(Hyperband(min_iter=1), Goal.MINIMIZE, 1, rung, contenders, now=0)


def test_a_verdict_records_rank_and_threshold() -> None:
    rung = Rung()
    for number, value in enumerate([0.9, 0.1, 0.5], start=1):
        rung.put(number, value)
    (verdict,) = judge_hyperband(
        Hyperband(min_iter=1), Goal.MINIMIZE, 1, rung, [Contender(number=1, best=0.9)], now=42
    ).values()
    assert (verdict.value, verdict.threshold, verdict.rank, verdict.compared) == (0.9, 0.5, 3, 3)
    assert verdict.decide_time == 42
