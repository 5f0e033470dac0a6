"""Edits of an existing sweep; P21."""

from collections.abc import Mapping

import pytest

from sweepd_kernel.errors import DomainError, Reason
from sweepd_scheduler.domain.effects import StartRun, SweepEdited
from sweepd_scheduler.domain.requests.requests import (
    Answer,
    CancelSweep,
    Edit,
    NotInMemoryError,
    PauseSweep,
    ResumeSweep,
    StopSweep,
    UpdateSweep,
)
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.sweep import Ending, Sweep
from sweepd_scheduler.domain.transitions import SweepState
from unit.scheduler.client_requests import S
from unit.scheduler.world import GRID_4, OBJECTIVE, RANDOM, World


@pytest.fixture
def world() -> World:
    return World()


def cap(world: World, run_cap: int | None, revision: int = 0) -> Answer | None:
    edit = Edit(fields=frozenset({"run_cap"}), run_cap=run_cap)
    stored = world.everything().stored(S)
    return world.happens(UpdateSweep(name=S, edit=edit, revision=revision, stored=stored))


def ended_at_its_cap(world: World, document: Mapping[str, object]) -> str:
    world.create({**document, "run_cap": 1})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.FINISHED, Ending.CAP)
    return session


@pytest.mark.parametrize("run_cap", [2, None])
def test_a_sweep_that_finished_at_its_cap_continues_when_the_cap_is_raised(
    world: World, run_cap: int | None
) -> None:
    session = ended_at_its_cap(world, RANDOM)
    world.offer(session)
    answer = cap(world, run_cap)
    assert isinstance(answer, Sweep)
    assert (answer.state, answer.revision, answer.spec.run_cap) == (SweepState.RUNNING, 2, run_cap)
    assert world.last_sent(StartRun).run.number == 2
    assert world.sweep().ending is (Ending.CAP if run_cap else None)


def test_an_edited_specification_is_stored(world: World) -> None:
    world.create(RANDOM)
    cap(world, 5)
    edited = [each.sweep.spec.run_cap for each in world.changes if isinstance(each, SweepEdited)]
    assert edited == [5]


def test_a_live_sweep_at_its_cap_continues(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1})
    session = world.attach(slots=2)
    world.offer(session, 2)
    assert world.sweep().ending is Ending.CAP
    cap(world, 2)
    assert world.last_sent(StartRun).run.number == 2
    assert (world.sweep().state, world.sweep().ending) == (SweepState.RUNNING, Ending.CAP)


def test_a_cap_below_the_number_of_runs_ends_the_search(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    start = world.takes_one(session)
    cap(world, 1)
    assert world.sweep().ending is Ending.CAP
    world.exits(session, start.ref)
    assert world.sweep().state is SweepState.FINISHED


def test_an_exhausted_grid_stays_finished(world: World) -> None:
    world.create({**GRID_4, "run_cap": 9})
    session = world.attach()
    for _ in range(4):
        world.exits(session, world.takes_one(session).ref)
    answer = cap(world, 20)
    assert isinstance(answer, Sweep)
    assert (answer.state, answer.ending, answer.revision) == (SweepState.FINISHED, Ending.GRID, 2)
    assert not world.state.sweeps, "the ended sweep has left memory"
    assert world.state.ended[1].revision == 2


@pytest.mark.parametrize("live", [True, False])
def test_a_raised_cap_starts_no_runs_once_the_target_is_reached(world: World, live: bool) -> None:
    world.create({**RANDOM, "metric": {"name": "loss", "target": 0.3}, "run_cap": 1})
    session = world.attach(slots=2)
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, 0.25)
    if not live:
        world.exits(session, start.ref, last_row=1)
    cap(world, 5)
    assert world.offer(session, 2) == []
    assert world.sweep().state is (SweepState.RUNNING if live else SweepState.FINISHED)
    assert (world.sweep().ending, world.sweep().reason) == (
        Ending.TARGET,
        "a run has reached metric.target",
    )


@pytest.mark.parametrize("command", [StopSweep, CancelSweep])
def test_a_stopped_or_cancelled_sweep_stays_ended(
    world: World, command: type[StopSweep] | type[CancelSweep]
) -> None:
    world.create({**RANDOM, "run_cap": 5})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref)
    world.happens(command(S))
    state = world.sweep().state
    answer = cap(world, 9)
    assert isinstance(answer, Sweep)
    assert (answer.state, answer.spec.run_cap) == (state, 9)


def test_a_paused_sweep_stays_paused(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1})
    session = world.attach(slots=2)
    world.offer(session, 2)
    world.happens(PauseSweep(S))
    cap(world, 2)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.PAUSED, None)
    assert world.sweep().counts.total == 1
    world.happens(ResumeSweep(S))
    assert world.sweep().counts.total == 2


def test_an_edit_of_an_outdated_revision_is_refused(world: World) -> None:
    world.create(RANDOM)
    cap(world, 5, revision=1)
    with pytest.raises(DomainError) as refused:
        cap(world, 6, revision=1)
    assert refused.value.reason is Reason.STALE_REVISION
    assert refused.value.message == "local/demo/s was edited meanwhile: expected revision 1, found 2"
    assert refused.value.metadata == {"name": "local/demo/s", "revision": "2"}
    assert world.sweep().spec.run_cap == 5


def test_an_edit_without_changes_keeps_the_revision(world: World) -> None:
    ended_at_its_cap(world, RANDOM)
    answer = cap(world, 1)
    assert isinstance(answer, Sweep)
    assert (answer.revision, answer.state) == (1, SweepState.FINISHED)
    assert not world.state.sweeps


def test_descriptive_fields_of_a_sweep_can_be_edited_without_effect_on_its_runs(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE})
    session = world.attach()
    start = world.takes_one(session)
    edit = Edit(
        fields=frozenset({"name", "description", "tags", "metadata"}),
        name="better",
        description="what it is for",
        tags=("a", "b"),
        metadata={"owner": "ann"},
    )
    answer = world.happens(UpdateSweep(name=S, edit=edit))
    assert isinstance(answer, Sweep)
    spec = answer.spec
    assert (spec.name, spec.description, spec.tags, spec.metadata) == (
        "better",
        "what it is for",
        ("a", "b"),
        {"owner": "ann"},
    )
    assert spec.run_cap is None
    world.exits(session, start.ref, Exit(cause=ExitCause.EXITED, code=0))
    assert world.sweep().revision == 2


def test_an_ended_sweep_is_read_from_the_store_before_an_edit(world: World) -> None:
    ended_at_its_cap(world, RANDOM)
    with pytest.raises(NotInMemoryError) as missing:
        world.happens(UpdateSweep(name=S, edit=Edit(fields=frozenset({"tags"}), tags=("a",))))
    assert missing.value.whole
