"""Stopping the services of a daemon."""

from signal import SIGKILL, SIGTERM

from sweepd_kernel.process.supervisor import OVERDUE, STEP, StopPlan

NOON = 1_000.0
NAMES = ("gateway", "scheduler", "metric-store")


def test_each_is_asked_when_the_one_before_has_ended() -> None:
    plan = StopPlan(NAMES, NOON)
    assert plan.due(NOON, NAMES) == [("gateway", SIGTERM)]
    assert plan.due(NOON + 0.1, NAMES) == []
    assert plan.due(NOON + 0.2, NAMES[1:]) == [("scheduler", SIGTERM)]
    assert plan.due(NOON + 0.3, NAMES[2:]) == [("metric-store", SIGTERM)]
    assert plan.due(NOON + 0.4, NAMES[2:]) == []


def test_one_that_takes_long_delays_the_next_by_a_step_only() -> None:
    plan = StopPlan(NAMES, NOON)
    plan.due(NOON, NAMES)
    assert plan.pause(NOON) == STEP
    assert plan.due(NOON + STEP, NAMES) == [("scheduler", SIGTERM)]
    assert plan.due(NOON + 2 * STEP, NAMES) == [("metric-store", SIGTERM)]


def test_one_that_is_gone_already_is_passed_over() -> None:
    plan = StopPlan(NAMES, NOON)
    assert plan.due(NOON, ["metric-store"]) == [("metric-store", SIGTERM)]


def test_the_overdue_are_killed_within_ten_seconds() -> None:
    plan = StopPlan(NAMES, NOON)
    for second in range(8):
        assert SIGKILL not in [number for _, number in plan.due(NOON + second, NAMES)]
    assert plan.due(NOON + OVERDUE, ["scheduler"]) == [("scheduler", SIGKILL)]
    assert OVERDUE + STEP <= 10.0


def test_hurried_it_asks_all_at_once_and_kills_soon() -> None:
    plan = StopPlan(NAMES, NOON)
    plan.due(NOON, NAMES)
    plan.hurry(NOON + 1.0)
    assert plan.due(NOON + 1.0, NAMES) == [("scheduler", SIGTERM), ("metric-store", SIGTERM)]
    assert plan.due(NOON + 1.9, NAMES) == []
    assert plan.due(NOON + 2.0, NAMES) == [(name, SIGKILL) for name in NAMES]
