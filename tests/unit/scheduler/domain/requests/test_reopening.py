"""Points with fewer repeats because of a cap get the others when it is raised; section 19, `repeats`."""

from collections.abc import Mapping

import pytest

from sweepd_scheduler.domain.effects import StartRun
from sweepd_scheduler.domain.requests.requests import (
    CancelSweep,
    Edit,
    NotInMemoryError,
    StopSweep,
    UpdateSweep,
)
from sweepd_scheduler.domain.runs.run import Exit, ExitCause, Run
from sweepd_scheduler.domain.runs.values import Best
from sweepd_scheduler.domain.search.study import StudyEvent, StudyObservation
from sweepd_scheduler.domain.sweep import Ending
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.client_requests import S, enqueue, retry, set_cap
from unit.scheduler.world import EXIT_0, GRID_4, OBJECTIVE, RANDOM, World

EXIT_1 = Exit(cause=ExitCause.EXITED, code=1)
THREE = {**GRID_4, **OBJECTIVE, "repeats": 3, "run_cap": 5}


@pytest.fixture
def world() -> World:
    return World()


def one_run(world: World, session: str, value: float, exit_: Exit = EXIT_0) -> StartRun:
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, value)
    world.exits(session, start.ref, exit_, last_row=1)
    return start


def ended_at_its_cap(world: World, document: Mapping[str, object] = THREE) -> str:
    """Five runs: three of the first point, of value 0.5, and two of the second, of value 0.25."""
    world.create(document)
    session = world.attach()
    for value in (0.5, 0.5, 0.5, 0.25, 0.25):
        one_run(world, session, value)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.FINISHED, Ending.CAP)
    assert world.sweep().best == Best(run=4, value=0.25)
    return session


def run(world: World, number: int) -> Run:
    return world.run((1, number))


def test_the_remaining_repeats_are_handed_out_first_and_the_point_counts_anew(world: World) -> None:
    session = ended_at_its_cap(world)
    set_cap(world, 8)
    assert (run(world, 6).point, run(world, 6).repeat) == (run(world, 4).point, 2)
    assert world.sweep().best == Best(run=1, value=0.5), "the point is open again"
    assert one_run(world, session, 1.0).run.number == 6
    assert world.sweep().best == Best(run=1, value=0.5), "(0.25 + 0.25 + 1) / 3"
    start = world.takes_one(session)
    assert (start.run.number, start.run.repeat) == (7, 0)
    assert start.run.point != run(world, 4).point


@pytest.mark.parametrize("step", [1, 2])
def test_a_cap_that_is_raised_by_one_adds_one_repeat(world: World, step: int) -> None:
    world.create({**THREE, "run_cap": 1})
    session = world.attach()
    one_run(world, session, 0.5)
    for cap in range(1 + step, 4, step):
        set_cap(world, cap)
        assert world.sweep().ending is Ending.CAP
        assert world.sweep().counts.total == cap
        while world.sweep().counts.unfinished:
            one_run(world, session, 0.5)
    assert {run(world, number).repeat for number in (1, 2, 3)} == {0, 1, 2}
    assert len({run(world, number).digest for number in (1, 2, 3)}) == 1


def test_a_live_point_gets_its_repeats_without_a_read_of_the_store(world: World) -> None:
    world.create({**THREE, "run_cap": 2})
    session = world.attach()
    world.takes_one(session)
    edit = Edit(fields=frozenset({"run_cap"}), run_cap=9)
    world.happens(UpdateSweep(name=S, edit=edit))
    assert [run(world, number).repeat for number in (1, 2, 3)] == [0, 1, 2]


def test_ended_runs_of_the_point_are_read_from_the_store_first(world: World) -> None:
    world.create({**THREE, "run_cap": 4})
    session = world.attach(slots=2)
    for _ in range(3):
        one_run(world, session, 0.5)
    enqueued = world.takes_one(session)
    world.exits(session, enqueued.ref)
    assert world.sweep().state is SweepState.FINISHED
    edit = Edit(fields=frozenset({"run_cap"}), run_cap=9)
    with pytest.raises(NotInMemoryError):
        world.happens(UpdateSweep(name=S, edit=edit, stored=world.everything().stored(S)))
    assert world.sweep().spec.run_cap == 4


def test_the_search_is_notified_that_the_point_is_pending_again(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "method": "bayes", "repeats": 2, "run_cap": 1})
    session = world.attach()
    world.offer(session)
    world.passes(1)
    start = world.last_sent(StartRun)
    world.confirms(session, start)
    world.exits(session, start.ref)
    set_cap(world, 2)
    one_run(world, session, 0.5)
    notes = [note.event for note in world.changes if isinstance(note, StudyObservation)]
    handed_out, ended = StudyEvent.HANDED_OUT, StudyEvent.ENDED
    assert notes == [handed_out, ended, handed_out, ended]


def test_an_enqueued_point_of_a_finished_grid_gets_its_repeats_and_nothing_else_is_handed_out(
    world: World,
) -> None:
    world.create({"method": "list", "runs": [{"a": 1}], "repeats": 2, "run_cap": 3})
    session = world.attach()
    for _ in range(2):
        world.exits(session, world.takes_one(session).ref)
    enqueue(world, {"a": 1})
    world.exits(session, world.takes_one(session).ref)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.FINISHED, Ending.GRID)
    set_cap(world, 9)
    world.exits(session, world.takes_one(session).ref)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.FINISHED, Ending.GRID)
    assert (world.sweep().counts.total, run(world, 4).repeat) == (4, 1)


def test_a_target_that_only_the_reopened_point_had_reached_no_longer_counts(world: World) -> None:
    session = ended_at_its_cap(world, {**THREE, "metric": {"name": "loss", "target": 0.3}})
    set_cap(world, 9)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.RUNNING, None)
    one_run(world, session, 0.25)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.FINISHED, Ending.TARGET)


@pytest.mark.parametrize("command", [StopSweep, CancelSweep])
def test_a_stopped_or_cancelled_sweep_gets_no_repeats(
    world: World, command: type[StopSweep] | type[CancelSweep]
) -> None:
    world.create({**THREE, "run_cap": 2})
    world.takes_one(world.attach())
    world.happens(command(S))
    set_cap(world, 9)
    assert world.sweep().counts.total == 2


def test_a_run_of_a_point_with_missing_repeats_can_be_retried(world: World) -> None:
    world.create({**THREE, "run_cap": 2, "canary": True})
    session = world.attach(slots=2)
    world.exits(session, world.takes_one(session).ref, keys=("acc",))
    assert world.sweep().state is SweepState.FAILED
    set_cap(world, 9)
    assert world.sweep().counts.total == 2, "a sweep that has failed gets none"
    retry(world)
    one_run(world, session, 0.5, EXIT_1)
    start = world.takes_one(session)
    assert (start.run.number, start.run.repeat) == (3, 0)
    retry(world, 2)
    assert run(world, 2).state is RunState.PENDING
    assert one_run(world, session, 0.25).run.number == 2
    assert world.sweep().best == Best(run=1, value=0.25)
