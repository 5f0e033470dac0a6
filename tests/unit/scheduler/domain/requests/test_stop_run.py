"""Stopping one run; P20."""

import pytest

from sweepd_kernel.errors import NotFoundError, WrongStateError
from sweepd_scheduler.domain.effects import StopRun
from sweepd_scheduler.domain.names import RunName
from sweepd_scheduler.domain.requests.requests import EndRun, NotInMemoryError, Runs
from sweepd_scheduler.domain.runs.run import Exit, ExitCause, StopMode
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.client_requests import S, end_run, enqueue
from unit.scheduler.world import RANDOM, World


@pytest.fixture
def world() -> World:
    return World()


def test_a_live_run_is_terminated_by_its_agent_and_then_stopped(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    start = world.takes_one(session)
    answer = end_run(world, 1)
    assert isinstance(answer, Runs)
    assert answer.runs[0].state is RunState.RUNNING
    command = world.last_sent(StopRun)
    assert (command.ref, command.mode, command.reason) == (
        start.ref,
        StopMode.TERMINATE,
        "stopped by a person",
    )
    world.exits(session, start.ref, Exit(cause=ExitCause.COMMANDED, signal=15))
    assert world.run((1, 1)).state is RunState.STOPPED
    assert world.takes_one(session).run.number == 2, "the sweep continues"


def test_a_repeated_stop_is_sent_to_the_agent_once(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.takes_one(session)
    end_run(world, 1)
    end_run(world, 1)
    assert len(world.stops()) == 1


def test_a_disconnected_agent_is_notified_when_it_reconnects(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    start = world.takes_one(session)
    world.leaves(session)
    end_run(world, 1)
    assert world.stops() == []
    world.attach(attempts=(world.held((1, 1), start.ref),))
    assert len(world.stops()) == 1


def test_a_run_whose_agent_never_reconnects_is_stopped_and_not_requeued(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.takes_one(session)
    world.leaves(session)
    end_run(world, 1)
    world.passes(200.0)
    assert world.run((1, 1)).state is RunState.STOPPED


def test_a_process_that_exits_with_0_before_the_signal_has_finished(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    start = world.takes_one(session)
    end_run(world, 1)
    world.exits(session, start.ref)
    assert world.run((1, 1)).state is RunState.FINISHED


def test_a_pending_run_that_is_stopped_never_starts(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1})
    enqueue(world, {"x": 0.5})
    answer = end_run(world, 1)
    assert isinstance(answer, Runs)
    assert answer.runs[0].state is RunState.STOPPED
    assert world.sweep().state is SweepState.FINISHED


def test_a_stop_of_an_ended_or_missing_run_is_refused_with_its_name(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.exits(session, world.takes_one(session).ref)
    with pytest.raises(WrongStateError, match="cannot stop local/demo/s-1: it is finished"):
        end_run(world, 1)
    with pytest.raises(NotFoundError):
        end_run(world, 7)
    with pytest.raises(NotInMemoryError):
        world.happens(EndRun(name=RunName(S, 1)))
