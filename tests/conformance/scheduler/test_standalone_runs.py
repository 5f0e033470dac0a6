"""Standalone runs, and lists of the runs of a project, in every kind of store."""

import pytest

from conformance.scheduler.conftest import Opened, StoredWorld
from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.names import Parent, RunName, SweepName, run_name, standing_name
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.transitions import RunState
from unit.scheduler.world import PARENT, RANDOM

REF = AttemptRef(2**31, 1)


def three_runs(world: StoredWorld) -> None:
    """Store two standalone runs, and one of a sweep that was created between them."""
    world.start_standalone("first")
    world.create(RANDOM)
    world.takes_one(world.attach("bob"))
    world.start_standalone("exp-2")
    world.save()


def found(opened: Opened, name: str) -> Run:
    run = opened.records.run(run_name(f"local/demo/{name}"))
    assert run is not None
    return run


def listed(opened: Opened, *states: RunState, standalone: bool = False) -> list[str]:
    """Return all runs of the project, read in pages of one run."""
    names: list[str] = []
    after: tuple[int, int, int] | None = None
    while True:
        page = opened.records.runs_of_project(PARENT, states, after, 1, standalone=standalone)
        names += [run.name.rpartition("/")[2] for run in page.entries]
        if not page.more:
            return names
        after = (page.entries[-1].create_time, *page.entries[-1].key)


def test_a_standalone_run_is_found_by_its_id_even_if_it_looks_like_that_of_a_sweeps_run(
    world: StoredWorld, opened: Opened
) -> None:
    three_runs(world)
    assert found(opened, "first").is_standalone
    assert found(opened, "exp-2").name == "local/demo/exp-2"
    assert not found(opened, "s-1").is_standalone
    assert opened.records.run(RunName(standing_name(PARENT), 0, "second")) is None
    assert opened.records.run(run_name("local/other/first")) is None


def test_the_internal_sweep_of_standalone_runs_is_not_listed(world: StoredWorld, opened: Opened) -> None:
    three_runs(world)
    sweeps = opened.records.sweeps("", "", (), None, 10)
    assert [sweep.name for sweep in sweeps.entries] == [SweepName(PARENT, "s")]


def test_a_project_lists_its_runs_newest_first(world: StoredWorld, opened: Opened) -> None:
    three_runs(world)
    assert listed(opened) == ["exp-2", "s-1", "first"]
    assert listed(opened, standalone=True) == ["exp-2", "first"]
    assert listed(opened, RunState.FINISHED) == []
    other = opened.records.runs_of_project(Parent("local", "other"), (), None, 10, standalone=False)
    assert not other.entries


def test_attempts_of_standalone_runs_are_found_by_name(world: StoredWorld, opened: Opened) -> None:
    three_runs(world)
    names = [run_name(f"local/demo/{each}") for each in ("first", "exp-2", "s-1", "none")]
    known = opened.records.known([(name, 1) for name in names])
    assert [(each.run, each.sweep) if each else None for each in known] == [
        ("local/demo/first", "local/demo"),
        ("local/demo/exp-2", "local/demo"),
        ("local/demo/s-1", "local/demo/s"),
        None,
    ]


@pytest.mark.parametrize("ended", [False, True])
def test_standalone_runs_are_restored_after_a_restart(
    world: StoredWorld, opened: Opened, *, ended: bool
) -> None:
    three_runs(world)
    run = found(opened, "first")
    if ended:
        session = world.attach("ann", None, attempts=(world.held(run.key, REF),))
        world.exits(session, REF)
        world.save()
    before = world.state
    world.restart()
    assert world.state.runs == before.runs
    assert world.state.sweeps == before.sweeps
    assert world.state.names == before.names
    assert world.state.reserved_ids == before.reserved_ids
    assert world.state.is_standalone(PARENT, "first")
    assert found(opened, "first") == world.run(run.key)
