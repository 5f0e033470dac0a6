"""Stored state of retried runs, enqueued points, edited sweeps and sweeps that continue after their end."""

from conformance.scheduler.conftest import Opened, StoredWorld
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.requests.requests import Edit, EnqueueRun, RetryRuns, UpdateSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.invariants import check_restored
from unit.scheduler.world import OBJECTIVE, PARENT, RANDOM

S = SweepName(PARENT, "s")
EXIT_1 = Exit(cause=ExitCause.EXITED, code=1)
FAILED = (RunState.FAILED, RunState.CRASHED)
RULES = [
    {"type": "hyperband", "min_iter": 1, "eta": 2},
    {"type": "median", "min_iter": 1, "min_runs": 1},
    {"type": "patience", "iterations": 5},
]


def finished_sweep(world: StoredWorld, **more: object) -> str:
    """Store a finished sweep of four runs; the even ones failed. Return the session of its agent."""
    world.create({**RANDOM, **OBJECTIVE, "run_cap": 4, **more})
    session = world.attach()
    for number in range(1, 5):
        start = world.takes_one(session)
        world.logs(session, start.ref, 1, 1.0 / number)
        world.exits(
            session, start.ref, EXIT_1 if number % 2 == 0 else Exit(cause=ExitCause.EXITED, code=0), 1
        )
        world.passes(1.0)
    world.save()
    assert world.sweep().state is SweepState.FINISHED
    return session


def retry(world: StoredWorld, opened: Opened) -> None:
    """Retry the failed runs, as read from the store."""
    sweep = opened.records.sweep(S)
    assert sweep is not None
    runs = tuple(opened.records.chosen_runs(sweep, FAILED, ()))
    world.happens(RetryRuns(sweep=S, runs=runs, named=False, stored=opened.records.stored(S)))


def test_an_ended_sweep_is_read_as_it_was_in_memory(world: StoredWorld, opened: Opened) -> None:
    world.create({**RANDOM, **OBJECTIVE, "run_cap": 4, "early_terminate": RULES})
    session = world.attach(slots=2)
    for start in world.offer(session, 2):
        world.confirms(session, start)
        world.logs(session, start.ref, 1, 1.0 / start.run.number, 0.5, 0.25)
        world.exits(session, start.ref, EXIT_1, last_row=3)
        world.passes(1.0)
    world.save()
    stored = opened.records.stored(S)
    assert stored is not None
    index = world.state.index[1]
    assert stored.sweep == world.state.sweeps[1]
    assert stored.digests == index.digests
    assert stored.recent == index.recent == (True, True)
    assert stored.guards == index.guards
    assert set(stored.rung_values) == set(index.rungs)
    assert [(first, end.state) for first, end in stored.ended] == [(1, RunState.FAILED), (2, RunState.FAILED)]
    assert opened.records.stored(SweepName(PARENT, "none")) is None


def test_a_continued_sweep_is_restored_after_a_restart(world: StoredWorld, opened: Opened) -> None:
    session = finished_sweep(world)
    retry(world, opened)
    world.save()
    before = world.state
    world.restart()
    check_restored(before, world.state)
    assert list(world.state.index[1].pending) == [2, 4]
    session = world.attach()
    for number in (2, 4):
        start = world.takes_one(session)
        assert (start.run.number, start.ref.attempt) == (number, 2)
        world.exits(session, start.ref)
    world.save()
    found = opened.records.sweep(S)
    assert found is not None
    assert (found.state, found.counts.of(RunState.FINISHED)) == (SweepState.FINISHED, 4)
    retried = opened.records.run(RunName(S, 2))
    assert retried is not None
    assert [attempt.number for attempt in retried.attempts] == [1, 2]


def test_the_queue_positions_of_enqueued_runs_are_restored(world: StoredWorld) -> None:
    world.create({**RANDOM, **OBJECTIVE, "repeats": 2})
    world.happens(EnqueueRun(sweep=S, point={"x": 0.25}, first=False))
    world.happens(EnqueueRun(sweep=S, point={"x": 0.5}, first=True))
    world.save()
    before = world.state
    world.restart()
    check_restored(before, world.state)
    assert list(world.state.index[1].pending) == [3, 4, 1, 2]
    run = world.state.runs[(1, 4)]
    assert (run.repeat, run.block, run.provenance.source) == (1, 3, "enqueued")


def test_an_edited_specification_is_stored(world: StoredWorld, opened: Opened) -> None:
    finished_sweep(world)
    edit = Edit(fields=frozenset({"run_cap", "tags"}), run_cap=9, tags=("a",))
    world.happens(UpdateSweep(name=S, edit=edit, stored=opened.records.stored(S)))
    world.save()
    found = opened.records.sweep(S)
    assert found is not None
    assert (found.spec.run_cap, found.spec.tags, found.revision) == (9, ("a",), 2)
    assert found.state is SweepState.RUNNING
    before = world.state
    world.restart()
    check_restored(before, world.state)


def test_an_edit_of_a_sweep_that_stays_ended_is_stored(world: StoredWorld, opened: Opened) -> None:
    finished_sweep(world)
    edit = Edit(fields=frozenset({"metadata"}), metadata={"owner": "ann"})
    world.happens(UpdateSweep(name=S, edit=edit, stored=opened.records.stored(S)))
    world.save()
    world.restart()
    assert world.state.ended[1].revision == 2
    found = opened.records.sweep(S)
    assert found is not None
    assert (found.state, found.spec.metadata) == (SweepState.FINISHED, {"owner": "ann"})


def test_quarantines_are_restored_after_a_restart(world: StoredWorld, opened: Opened) -> None:
    world.create({**RANDOM, "guard": {"agent": 1}})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    world.save()
    before = world.state
    assert before.index[1].guards["ann"].is_quarantined
    world.restart()
    check_restored(before, world.state)
    session = world.attach()
    assert world.offer(session) == []


def test_runs_are_selected_by_state_and_number(world: StoredWorld, opened: Opened) -> None:
    finished_sweep(world)
    sweep = world.sweep()
    choose = opened.records.chosen_runs
    assert [run.number for run in choose(sweep, (), ())] == [1, 2, 3, 4]
    assert [run.number for run in choose(sweep, FAILED, ())] == [2, 4]
    assert [run.number for run in choose(sweep, (), (4, 1, 9))] == [1, 4]
    assert [run.number for run in choose(sweep, FAILED, (1, 2))] == [2]
    assert choose(sweep, (), (2,))[0] == world.run((1, 2))


def test_the_newest_events_of_a_run_are_read_oldest_first(world: StoredWorld, opened: Opened) -> None:
    finished_sweep(world)
    kinds = [line.kind for line in opened.records.events(1, 2, 100)]
    assert kinds == ["run-assigned", "run-started", "run-failed"]
    assert [line.kind for line in opened.records.events(1, 2, 2)] == kinds[1:]
    assert opened.records.events(1, 2, 1)[0].detail["reason"] == "exited with code 1"
    assert opened.records.events(1, 9, 10) == []
