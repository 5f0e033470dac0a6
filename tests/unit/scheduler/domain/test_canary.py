"""One run goes first; without the objective the sweep has failed."""

import pytest

from sweepd_scheduler.domain.effects import StartRun, SweepEnded
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.world import EXIT_0, OBJECTIVE, PARENT, RANDOM, World

S = SweepName(PARENT, "s")
CANARY = {**RANDOM, **OBJECTIVE, "canary": True}
FAILS = Exit(cause=ExitCause.EXITED, code=3)
COMMANDED = Exit(cause=ExitCause.COMMANDED, signal=15)
NOTHING = "your script logged nothing; the sweep optimises `loss`"
LOST = Exit(cause=ExitCause.ORPHANED)


@pytest.fixture
def world() -> World:
    return World()


def test_other_runs_are_handed_out_once_the_canary_has_a_value(world: World) -> None:
    world.create(CANARY)
    ann, bob = world.attach("ann", slots=2), world.attach("bob", slots=2)
    (canary,) = world.offer(ann, 2)
    world.confirms(ann, canary)
    assert world.offer(bob, 2) == []
    world.logs(ann, canary.ref, 1, float("nan"))
    assert len([command for _, command in world.sent if isinstance(command, StartRun)]) == 1
    world.logs(ann, canary.ref, 2, 0.5)
    starts = [session for session, command in world.sent if isinstance(command, StartRun)]
    assert sorted(starts) == [ann, ann, bob, bob]


@pytest.mark.parametrize(
    ("how", "keys", "values", "reason"),
    [
        (
            EXIT_0,
            ("acc", "val_loss"),
            (),
            "the canary run 1 has ended: your script logged `acc`, `val_loss`; the sweep optimises `loss`",
        ),
        (EXIT_0, (), (), f"the canary run 1 has ended: {NOTHING}"),
        (EXIT_0, ("loss",), (float("nan"),), "the canary run 1 logged `loss`, but never as a finite number"),
        (FAILS, (), (), "the canary run 1 failed before it logged `loss`: exited with code 3"),
        (COMMANDED, (), (), "the canary run 1 was stopped before it logged `loss`: ended on command"),
    ],
)
def test_without_the_objective_the_sweep_fails_with_its_canary(
    world: World, how: Exit, keys: tuple[str, ...], values: tuple[float, ...], reason: str
) -> None:
    world.create(CANARY)
    session = world.attach()
    start = world.takes_one(session)
    if values:
        world.logs(session, start.ref, 1, *values)
    world.exits(session, start.ref, how, last_row=len(values), keys=keys)
    assert (world.sweep().state, world.sweep().reason) == (SweepState.FAILED, reason)
    command = world.last_sent(SweepEnded)
    assert (command.state, command.reason) == (SweepState.FAILED, reason)
    assert world.offer(session) == []


def test_retries_of_the_canary_come_before_other_runs(world: World) -> None:
    world.create({**CANARY, "retry": {"failure": 1, "infrastructure": 1}})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, FAILS)
    world.exits(session, world.takes_one(session).ref, LOST)
    assert world.sweep().state is SweepState.RUNNING
    world.exits(session, world.takes_one(session).ref, LOST)
    assert world.sweep().state is SweepState.FAILED
    assert world.sweep().reason.startswith("the canary run 1 crashed before it logged `loss`: ")


def test_waiting_runs_end_with_a_sweep_that_its_canary_fails(world: World) -> None:
    world.create({**CANARY, "repeats": 3})
    session = world.attach(slots=3)
    (start,) = world.offer(session, 3)
    world.confirms(session, start)
    world.exits(session, start.ref, FAILS)
    assert world.sweep().state is SweepState.FAILED
    waiting = [world.run((1, number)) for number in (2, 3)]
    assert [(run.state, run.reason) for run in waiting] == [(RunState.STOPPED, "the sweep has failed")] * 2


def test_a_canary_that_fails_after_a_value_has_passed(world: World) -> None:
    world.create(CANARY)
    session = world.attach()
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, 0.5)
    world.exits(session, start.ref, FAILS, last_row=1)
    assert world.sweep().state is SweepState.RUNNING
    assert len(world.offer(session)) == 1


def test_a_sweep_that_is_stopped_before_its_canary_has_ended_has_not_failed(world: World) -> None:
    world.create(CANARY)
    session = world.attach()
    start = world.takes_one(session)
    world.happens(StopSweep(S))
    world.exits(session, start.ref)
    assert (world.sweep().state, world.sweep().reason) == (SweepState.STOPPED, "stopped by a person")


def test_a_canary_is_passed_once_for_the_whole_sweep(world: World) -> None:
    world.create(CANARY)
    session = world.attach(slots=2)
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, 0.5)
    world.exits(session, start.ref, last_row=1)
    world.restarts()
    session = world.attach(slots=2)
    assert len(world.offer(session, 2)) == 2
