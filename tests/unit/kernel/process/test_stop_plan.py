"""Stopping the services of a daemon."""

from signal import SIGKILL, SIGTERM

from sweepd_kernel.process.supervisor import KILL_AFTER, STEP, StopPlan

NOON = 1_000.0
NAMES = ("gateway", "scheduler", "metric-store")


def test_each_service_is_terminated_when_the_previous_one_has_ended() -> None:
    plan = StopPlan(NAMES, NOON)
    assert plan.due(NOON, NAMES) == [("gateway", SIGTERM)]
    assert plan.due(NOON + 0.1, NAMES) == []
    assert plan.due(NOON + 0.2, NAMES[1:]) == [("scheduler", SIGTERM)]
    assert plan.due(NOON + 0.3, NAMES[2:]) == [("metric-store", SIGTERM)]
    assert plan.due(NOON + 0.4, NAMES[2:]) == []


def test_a_slow_service_delays_the_next_by_at_most_a_step() -> None:
    plan = StopPlan(NAMES, NOON)
    plan.due(NOON, NAMES)
    assert plan.pause(NOON) == STEP
    assert plan.due(NOON + STEP, NAMES) == [("scheduler", SIGTERM)]
    assert plan.due(NOON + 2 * STEP, NAMES) == [("metric-store", SIGTERM)]


def test_a_service_that_has_already_ended_is_skipped() -> None:
    plan = StopPlan(NAMES, NOON)
    assert plan.due(NOON, ["metric-store"]) == [("metric-store", SIGTERM)]


def test_overdue_services_are_killed_within_ten_seconds() -> None:
    plan = StopPlan(NAMES, NOON)
    for second in range(8):
        assert SIGKILL not in [number for _, number in plan.due(NOON + second, NAMES)]
    assert plan.due(NOON + KILL_AFTER, ["scheduler"]) == [("scheduler", SIGKILL)]
    assert KILL_AFTER + STEP <= 10.0


def test_a_hurried_stop_terminates_all_services_at_once_and_kills_them_soon() -> None:
    plan = StopPlan(NAMES, NOON)
    plan.due(NOON, NAMES)
    plan.hurry(NOON + 1.0)
    assert plan.due(NOON + 1.0, NAMES) == [("scheduler", SIGTERM), ("metric-store", SIGTERM)]
    assert plan.due(NOON + 1.9, NAMES) == []
    assert plan.due(NOON + 2.0, NAMES) == [(name, SIGKILL) for name in NAMES]
