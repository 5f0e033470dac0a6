"""Explanations of a sweep that hands out nothing."""

import pytest

from sweepd_scheduler.domain.effects import StartRun
from sweepd_scheduler.domain.eligibility import (
    Obstacle,
    ObstacleKind,
    obstacles_of_run,
    obstacles_of_sweep,
)
from sweepd_scheduler.domain.requests.requests import CancelSweep, PauseSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from unit.scheduler.client_requests import S, enqueue
from unit.scheduler.world import OBJECTIVE, RANDOM, World

EXIT_1 = Exit(cause=ExitCause.EXITED, code=1)


@pytest.fixture
def world() -> World:
    return World()


def of_sweep(world: World) -> tuple[Obstacle, ...]:
    return obstacles_of_sweep(world.state, world.sweep())


def kinds(world: World) -> list[ObstacleKind]:
    return [each.kind for each in of_sweep(world)]


def of_run(world: World, number: int) -> list[ObstacleKind]:
    run = world.run((1, number))
    return [each.kind for each in obstacles_of_run(world.state, world.sweep(), run)]


def test_an_explanation_without_agents(world: World) -> None:
    world.create(RANDOM)
    (only,) = of_sweep(world)
    assert only.kind is ObstacleKind.NO_AGENT
    assert "sweep-agent --sweep local/demo/s" in only.message


def test_no_obstacle_with_an_agent_with_free_capacity(world: World) -> None:
    world.create(RANDOM)
    session = world.attach(slots=2)
    world.offer(session, 2)
    start = world.last_sent(StartRun)
    world.confirms(session, start)
    world.exits(session, start.ref)
    world.happens(PauseSweep(S))
    world.offer(session, 2)
    assert kinds(world) == [ObstacleKind.PAUSED]
    (paused,) = of_sweep(world)
    assert "sweepctl resume local/demo/s" in paused.message


def test_an_explanation_with_every_slot_taken(world: World) -> None:
    world.create(RANDOM)
    world.takes_one(world.attach())
    assert kinds(world) == [ObstacleKind.NO_ROOM]


def test_an_explanation_with_agents_that_lack_labels(world: World) -> None:
    world.create({**RANDOM, "requires": {"gpu": "a100"}})
    world.attach("ann")
    world.attach("bob")
    (only,) = of_sweep(world)
    assert only.kind is ObstacleKind.LABELS
    assert "requires gpu=a100" in only.message
    assert "for 1 more agent)" in only.message


def test_an_explanation_with_the_only_agent_quarantined(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 1}})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    world.offer(session)
    assert kinds(world) == [ObstacleKind.PAUSED, ObstacleKind.GUARD]


def test_an_explanation_while_the_canary_is_running(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "canary": True})
    session = world.attach(slots=2)
    (start,) = world.offer(session, 2)
    world.confirms(session, start)
    (only,) = of_sweep(world)
    assert only.kind is ObstacleKind.CANARY
    assert "`loss`" in only.message
    world.logs(session, start.ref, 1, 0.5)
    assert ObstacleKind.CANARY not in kinds(world)


def test_an_explanation_while_a_suggestion_is_computed(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "method": "bayes"})
    world.offer(world.attach())
    assert kinds(world) == [ObstacleKind.SUGGESTION]


def test_an_explanation_at_the_cap_and_after_the_end(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1})
    session = world.attach()
    start = world.takes_one(session)
    more = "; for more runs: sweepctl edit local/demo/s --run-cap N"
    (only,) = of_sweep(world)
    assert only == Obstacle(ObstacleKind.ENDED, f"it starts no new runs: run_cap is reached{more}")
    world.exits(session, start.ref)
    (only,) = of_sweep(world)
    assert only == Obstacle(ObstacleKind.ENDED, f"it is finished: run_cap is reached{more}")


def test_paused_at_the_cap_both_reasons_are_given(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1})
    session = world.attach()
    enqueue(world, {"x": 0.5})
    world.happens(PauseSweep(S))
    world.offer(session)
    ended, paused = of_sweep(world)
    more = "; for more runs: sweepctl edit local/demo/s --run-cap N"
    assert ended == Obstacle(ObstacleKind.ENDED, f"it starts no new runs: run_cap is reached{more}")
    assert paused.message.startswith("it is paused (paused by a person)")


def test_a_cancelled_sweep_hands_out_nothing(world: World) -> None:
    world.create(RANDOM)
    world.takes_one(world.attach())
    world.happens(CancelSweep(S))
    assert of_sweep(world) == (Obstacle(ObstacleKind.ENDED, "it was cancelled: cancelled by a person"),)


def test_a_pending_run_waits_for_those_before_it(world: World) -> None:
    world.create({**RANDOM, "run_cap": 3})
    for x in (0.1, 0.2, 0.3):
        enqueue(world, {"x": x})
    assert of_run(world, 1) == [ObstacleKind.NO_AGENT]
    assert of_run(world, 3) == [ObstacleKind.NO_AGENT, ObstacleKind.QUEUE]
    world.takes_one(world.attach())
    assert of_run(world, 1) == []
    assert of_run(world, 3) == [ObstacleKind.NO_ROOM, ObstacleKind.QUEUE]
    assert kinds(world) == [ObstacleKind.ENDED, ObstacleKind.NO_ROOM], "no new runs, and the waiting ones"


def test_a_sweep_that_ends_during_the_read_is_explained_as_ended(world: World) -> None:
    read = world.create(RANDOM)
    world.happens(CancelSweep(S))
    (only,) = obstacles_of_sweep(world.state, read)
    assert (only.kind, only.message) == (ObstacleKind.ENDED, "it has just ended")
