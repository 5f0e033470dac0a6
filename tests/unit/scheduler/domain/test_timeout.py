"""`sweep_timeout`: from the first hand-out, on the monotonic clock, by the wall clock after a restart."""

import pytest

from sweepd_scheduler.domain.effects import SweepEnded
from sweepd_scheduler.domain.events import TimeoutDue
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import PauseSweep, ResumeSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.runs.run_end import in_words
from sweepd_scheduler.domain.sweep import Ending
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.client_requests import end_run, enqueue, retry, set_cap
from unit.scheduler.world import GRID_4, PARENT, RANDOM, World

S = SweepName(PARENT, "s")
MINUTE = {**RANDOM, "sweep_timeout": "1m"}


@pytest.fixture
def world() -> World:
    return World()


def test_after_the_timeout_no_runs_are_handed_out_and_live_ones_may_end(world: World) -> None:
    world.create(MINUTE)
    session = world.attach(slots=3)
    world.passes(500, silent=False)  # the timeout starts with the first hand-out
    first, second = world.offer(session, 2)
    world.confirms(session, first)
    world.confirms(session, second)
    world.exits(session, second.ref, Exit(cause=ExitCause.HANDED_BACK))
    world.passes(59.9, silent=False)
    assert world.sweep().ending is None
    world.passes(0.2, silent=False)
    assert (world.sweep().ending, world.sweep().reason) == (Ending.STOP, "sweep_timeout of 1m has passed")
    assert world.run((1, 1)).state is RunState.RUNNING
    assert world.run((1, 2)).state is RunState.STOPPED
    assert world.offer(session, 3) == []
    assert world.last_sent(SweepEnded).reason == "sweep_timeout of 1m has passed"
    world.exits(session, first.ref)
    assert (world.sweep().state, world.sweep().reason) == (
        SweepState.STOPPED,
        "sweep_timeout of 1m has passed",
    )
    assert world.run((1, 1)).state is RunState.FINISHED


def test_a_sweep_without_live_runs_ends_at_its_timeout(world: World) -> None:
    world.create(MINUTE)
    session = world.attach()
    world.exits(session, world.takes_one(session).ref)
    world.passes(61)
    assert world.sweep().state is SweepState.STOPPED


def test_a_pause_does_not_stop_the_clock(world: World) -> None:
    world.create(MINUTE)
    session = world.attach()
    start = world.takes_one(session)
    world.happens(PauseSweep(S))
    world.passes(61, silent=False)
    assert world.sweep().ending is Ending.STOP
    world.exits(session, start.ref)
    assert world.sweep().state is SweepState.STOPPED


def test_the_timeout_of_an_ended_sweep_has_no_effect(world: World) -> None:
    world.create({**GRID_4, "sweep_timeout": "1m"})
    session = world.attach()
    for _ in range(4):
        world.exits(session, world.takes_one(session).ref)
    world.passes(61)
    assert world.sweep().state is SweepState.FINISHED


@pytest.mark.parametrize(("down", "left"), [(20.0, 10.0), (500.0, 0.0)])
def test_after_a_restart_the_remaining_time_follows_the_wall_clock(
    world: World, down: float, left: float
) -> None:
    world.create(MINUTE)
    world.takes_one(world.attach())
    world.passes(30, silent=False)
    world.now += down
    world.restarts()
    if left:
        world.passes(left - 0.1)
        assert world.sweep().ending is None
    world.passes(0.2)
    assert world.sweep().ending is Ending.STOP


def test_a_sweep_that_is_reopened_before_its_first_hand_out_has_its_full_timeout(world: World) -> None:
    world.create({**MINUTE, "run_cap": 1})
    enqueue(world, {"x": 0.5})
    end_run(world, 1)
    assert world.sweep().state is SweepState.FINISHED
    retry(world, 1)
    assert world.timers == []
    world.restarts()
    assert world.timers == []


def test_a_reopened_sweep_has_its_full_timeout_again(world: World) -> None:
    world.create({**MINUTE, "run_cap": 1})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref)
    world.passes(90, silent=False)
    assert world.sweep().state is SweepState.FINISHED
    set_cap(world, 2)
    world.takes_one(session)
    world.passes(59.9, silent=False)
    assert world.sweep().ending is Ending.CAP
    world.passes(0.2, silent=False)
    assert world.sweep().ending is Ending.STOP


def test_a_sweep_without_a_timeout_has_no_timer(world: World) -> None:
    world.create(RANDOM)
    world.takes_one(world.attach())
    assert not [event for _, event in world.timers if isinstance(event, TimeoutDue)]


def test_resuming_after_the_timeout_is_refused_with_the_reason(world: World) -> None:
    world.create(MINUTE)
    world.takes_one(world.attach())
    world.passes(61, silent=False)
    world.happens(PauseSweep(S))
    world.happens(ResumeSweep(S))
    assert "by a person" not in world.sweep().reason


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7200.0, "2h"), (5400.0, "1h30m"), (90.0, "1m30s"), (0.5, "0.5s"), (86400.0, "24h"), (3601.5, "1h1.5s")],
)
def test_durations_are_formatted_for_users(seconds: float, text: str) -> None:
    assert in_words(seconds) == text
