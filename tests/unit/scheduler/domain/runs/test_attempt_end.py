"""Automatic retries: `retry.infrastructure` and `retry.failure`."""

import pytest

from sweepd_scheduler.domain.effects import Ack, StartRun
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import PauseSweep, ResumeSweep, StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.runs.values import Best
from sweepd_scheduler.domain.transitions import AttemptState, RunState, SweepState
from unit.scheduler.world import OBJECTIVE, PARENT, RANDOM, World

S = SweepName(PARENT, "s")
FAILS = Exit(cause=ExitCause.EXITED, code=3)
LOST = Exit(cause=ExitCause.ORPHANED)


@pytest.fixture
def world() -> World:
    return World()


def test_a_failed_run_is_the_same_run_with_a_new_attempt(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "run_cap": 1, "retry": {"failure": 2}})
    session = world.attach()
    first = world.takes_one(session)
    world.logs(session, first.ref, 1, 0.1)
    world.exits(session, first.ref, FAILS, last_row=1)
    waiting = world.run((1, 1))
    assert (waiting.state, waiting.failures, waiting.requeues) == (RunState.PENDING, 1, 0)
    assert waiting.reason == "exited with code 3; retry 1 of 2"
    assert waiting.newest.state is AttemptState.ENDED
    assert world.last_sent(Ack).run_state is RunState.PENDING
    second = world.takes_one(session)
    assert (second.run.number, second.run.attempt, second.run.point) == (1, 2, first.run.point)
    assert world.sweep().best is None  # the values of the failed attempt no longer count for the run
    world.logs(session, second.ref, 1, 0.4)
    world.exits(session, second.ref, last_row=1)
    assert world.run((1, 1)).state is RunState.FINISHED
    assert world.sweep().state is SweepState.FINISHED
    assert world.sweep().best == Best(run=1, value=0.4)


def test_a_retry_is_handed_out_before_new_points(world: World) -> None:
    world.create({**RANDOM, "retry": {"failure": 1}})
    session = world.attach(slots=2)
    first, second = world.offer(session, 2)
    world.confirms(session, first)
    world.confirms(session, second)
    world.exits(session, first.ref, FAILS)
    assert [start.run.number for start in world.offer(session, 2)] == [1, 3]


def test_a_run_that_fails_too_often_has_failed(world: World) -> None:
    world.create({**RANDOM, "retry": {"failure": 1}})
    session = world.attach()
    for _ in range(2):
        world.exits(session, world.takes_one(session).ref, FAILS)
    run = world.run((1, 1))
    assert (run.state, run.reason) == (RunState.FAILED, "exited with code 3; it was retried once before")
    assert run.failures == 1


def test_infrastructure_and_failure_retries_are_counted_separately(world: World) -> None:
    world.create({**RANDOM, "retry": {"failure": 1, "infrastructure": 1}})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, LOST)
    world.exits(session, world.takes_one(session).ref, FAILS)
    run = world.run((1, 1))
    assert (run.state, run.requeues, run.failures) == (RunState.PENDING, 1, 1)
    world.exits(session, world.takes_one(session).ref, LOST)
    run = world.run((1, 1))
    assert run.state is RunState.CRASHED
    assert run.reason.endswith("it was requeued once before")


def test_without_requeues_a_lost_run_has_crashed(world: World) -> None:
    world.create({**RANDOM, "retry": {"infrastructure": 0}})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, LOST)
    run = world.run((1, 1))
    assert (run.state, run.reason) == (
        RunState.CRASHED,
        "its process was lost, or ended because no agent reconnected to it",
    )


def test_a_stopped_sweep_retries_no_runs(world: World) -> None:
    world.create({**RANDOM, "retry": {"failure": 3}})
    session = world.attach()
    start = world.takes_one(session)
    world.happens(StopSweep(S))
    world.exits(session, start.ref, FAILS)
    assert world.run((1, 1)).state is RunState.FAILED
    assert world.sweep().state is SweepState.STOPPED


def test_a_retry_waits_while_the_sweep_is_paused(world: World) -> None:
    world.create({**RANDOM, "retry": {"failure": 1}})
    session = world.attach()
    start = world.takes_one(session)
    world.happens(PauseSweep(S))
    world.exits(session, start.ref, FAILS)
    assert world.offer(session) == []
    world.happens(ResumeSweep(S))
    assert world.last_sent(StartRun).run.attempt == 2


def test_retry_counts_survive_a_restart(world: World) -> None:
    world.create({**RANDOM, "retry": {"failure": 1}})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, FAILS)
    world.restarts()
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, FAILS)
    assert world.run((1, 1)).state is RunState.FAILED
