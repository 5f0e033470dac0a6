"""Value of a run and of a point, as used for the best run, the target and the search."""

import pytest

from sweepd_scheduler.domain.effects import Ack, StartRun
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.runs.values import Best
from sweepd_scheduler.domain.search.study import Outcome, StudyEvent, StudyObservation
from sweepd_scheduler.domain.sweep import Ending
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.world import EXIT_0, OBJECTIVE, RANDOM, World

FAILS = Exit(cause=ExitCause.EXITED, code=1)
COMMANDED = Exit(cause=ExitCause.COMMANDED, signal=15)
BAYES = {**RANDOM, "method": "bayes"}


@pytest.fixture
def world() -> World:
    return World()


def ended(world: World) -> list[StudyObservation]:
    """Return the observations of ended runs that the search has received."""
    notes = (change for change in world.changes if isinstance(change, StudyObservation))
    return [note for note in notes if note.event is StudyEvent.ENDED]


def one_run(
    world: World, session: str, *values: float, exit_: Exit = EXIT_0, summary_value: float | None = None
) -> None:
    world.offer(session)
    world.passes(1.0)
    start = world.last_sent(StartRun)
    world.confirms(session, start)
    if values:
        world.logs(session, start.ref, 1, *values)
    world.exits(session, start.ref, exit_, last_row=len(values), summary_value=summary_value)


@pytest.mark.parametrize(
    ("kind", "goal", "value"),
    [
        ("best", "minimize", 0.25),
        ("best", "maximize", 1.0),
        ("last", "minimize", 0.5),
        ("mean", "maximize", 0.5625),
    ],
)
def test_the_search_gets_the_value_that_the_sweep_defines(
    world: World, kind: str, goal: str, value: float
) -> None:
    world.create({**BAYES, "metric": {"name": "loss", "goal": goal, "value": kind}})
    one_run(world, world.attach(), 0.5, 1.0, float("nan"), 0.25, 0.5)
    (note,) = ended(world)
    assert (note.value, note.outcome, note.iterations, note.last) == (value, Outcome.FINISHED, 4, 0.5)
    assert world.sweep().best == Best(run=1, value=value)


@pytest.mark.parametrize(
    ("kind", "goal", "logged", "summary", "value"),
    [
        ("best", "minimize", (), 0.9, 0.9),
        ("last", "minimize", (), 0.9, 0.9),
        ("mean", "minimize", (), 0.9, 0.9),
        ("best", "minimize", (0.5, 0.75), 0.25, 0.25),
        ("best", "minimize", (0.5, 0.75), 0.9, 0.5),
        ("best", "maximize", (0.5, 0.75), 0.9, 0.9),
        ("last", "minimize", (0.5, 0.75), 0.9, 0.9),
        ("mean", "minimize", (0.5, 0.75), 0.9, 0.625),
        ("best", "minimize", (0.5,), float("nan"), 0.5),
    ],
)
def test_a_value_in_the_summary_counts_beside_those_of_the_iterations(
    world: World, kind: str, goal: str, logged: tuple[float, ...], summary: float, value: float
) -> None:
    world.create({**BAYES, "metric": {"name": "loss", "goal": goal, "value": kind}, "canary": True})
    one_run(world, world.attach(), *logged, summary_value=summary)
    (note,) = ended(world)
    assert (note.value, note.outcome, note.iterations) == (value, Outcome.FINISHED, len(logged))
    assert world.sweep().best == Best(run=1, value=value)
    assert (world.sweep().state, world.sweep().objective_missing) == (SweepState.RUNNING, None)
    assert world.acks()[-1].notice == ""
    world.restarts()
    assert world.sweep().best == Best(run=1, value=value)


def test_a_summary_value_can_reach_the_target_and_a_non_number_is_reported(world: World) -> None:
    world.create({**RANDOM, "metric": {"name": "loss", "target": 0.5}})
    session = world.attach()
    one_run(world, session, summary_value=float("inf"))
    assert world.acks()[-1].notice == "your script logged `loss`, but never as a finite number"
    assert world.sweep().best is None
    one_run(world, session, summary_value=0.5)
    assert (world.sweep().ending, world.sweep().state) == (Ending.TARGET, SweepState.FINISHED)


@pytest.mark.parametrize("cause", [ExitCause.HANDED_BACK, ExitCause.ORPHANED])
def test_the_summary_of_an_attempt_that_is_retried_without_charge_does_not_count(
    world: World, cause: ExitCause
) -> None:
    world.create({**BAYES, **OBJECTIVE})
    session = world.attach()
    one_run(world, session, exit_=Exit(cause=cause), summary_value=0.5)
    assert (world.sweep().best, world.run((1, 1)).state) == (None, RunState.PENDING)
    one_run(world, session, exit_=FAILS, summary_value=0.25)
    assert (world.run((1, 1)).values.best, world.run((1, 1)).values.iterations) == (0.25, 0)


def test_early_termination_ignores_summary_values(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "early_terminate": {"type": "median", "min_iter": 1, "min_runs": 1}})
    session = world.attach()
    one_run(world, session, summary_value=0.1)
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, 0.9)
    assert world.stops() == []


def test_new_and_repeated_rows_are_acknowledged(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE})
    session = world.attach()
    start = world.takes_one(session)
    for first, values, row in ((1, (0.5, 0.75), 2), (1, (0.5, 0.75), 2), (4, (0.5,), 2), (3, (0.25,), 3)):
        before = len(world.sent)
        world.logs(session, start.ref, first, *values)
        assert world.sent[before:] == [(session, Ack(ref=start.ref, observation_row=row))]


@pytest.mark.parametrize("kind", ["last", "mean"])
def test_last_and_mean_count_when_the_run_has_ended(world: World, kind: str) -> None:
    world.create({**RANDOM, "metric": {"name": "loss", "value": kind, "target": 0.6}})
    session = world.attach()
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, 0.5)
    assert (world.sweep().best, world.sweep().ending) == (None, None)
    world.logs(session, start.ref, 2, 0.9)
    world.exits(session, start.ref, last_row=2)
    assert world.sweep().ending is None
    one_run(world, session, 0.5, 0.6)
    assert world.sweep().state is SweepState.FINISHED
    best = world.sweep().best
    assert best is not None
    assert best.run == 2


def test_a_point_counts_once_when_all_its_runs_have_ended(world: World) -> None:
    world.create({**BAYES, "metric": {"name": "loss", "target": 0.25}, "repeats": 3, "run_cap": 6})
    session = world.attach(slots=3)
    world.offer(session, 3)
    world.passes(1.0)
    starts = [command for _, command in world.sent if isinstance(command, StartRun)]
    assert [(start.run.number, start.run.repeat) for start in starts] == [(1, 0), (2, 1), (3, 2)]
    assert len({start.run.digest for start in starts}) == 1
    for start, value in zip(starts, (0.125, 0.5, 0.875), strict=True):
        world.confirms(session, start)
        world.logs(session, start.ref, 1, value)
        world.exits(session, start.ref, last_row=1)
        if start.run.number < 3:
            assert (ended(world), world.sweep().best, world.sweep().ending) == ([], None, None)
            world.restarts()
            live = [other for other in starts if other.run.number > start.run.number]
            attempts = tuple(world.held(other.run.key, other.ref) for other in live)
            session = world.attach(slots=3, attempts=attempts)
    (note,) = ended(world)
    assert (note.run, note.value, note.worst, note.last) == (1, 0.5, 0.875, 0.5)
    assert world.sweep().best == Best(run=1, value=0.5)
    assert world.state.index[1].blocks == {}


def test_points_of_two_runs_survive_a_restart(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "repeats": 2})
    session = world.attach()
    for value in (0.25, 0.75, 0.125):
        one_run(world, session, value)
    world.restarts()  # compares the ranked points
    one_run(world, world.attach(), 0.25)
    assert world.sweep().best == Best(run=3, value=0.1875)


def test_values_of_failed_runs_survive_a_restart(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE})
    session = world.attach()
    one_run(world, session, 0.25, exit_=FAILS)
    world.restarts()  # compares the ranked runs
    one_run(world, world.attach(), 0.5)
    assert world.sweep().best == Best(run=1, value=0.25)


def test_the_target_is_compared_with_the_value_of_the_point(world: World) -> None:
    world.create({**RANDOM, "metric": {"name": "loss", "target": 0.5}, "repeats": 2})
    session = world.attach()
    one_run(world, session, 0.1)
    one_run(world, session, 0.95)
    assert world.sweep().ending is None
    one_run(world, session, 0.3)
    assert world.sweep().ending is None
    one_run(world, session, 0.7)
    assert world.sweep().ending is Ending.TARGET
    assert world.sweep().best == Best(run=3, value=0.5)
    assert world.sweep().state is SweepState.FINISHED


def test_a_stopped_repeat_makes_the_point_stopped_with_its_values(world: World) -> None:
    world.create({**BAYES, **OBJECTIVE, "repeats": 2})
    session = world.attach()
    one_run(world, session, 0.5)
    one_run(world, session, 1.0, exit_=COMMANDED)
    (note,) = ended(world)
    assert (note.outcome, note.value) == (Outcome.STOPPED, 0.75)


def test_a_failed_repeat_makes_the_point_failed(world: World) -> None:
    world.create({**BAYES, **OBJECTIVE, "repeats": 2, "retry": {"failure": 1}})
    session = world.attach()
    one_run(world, session, 0.5)
    one_run(world, session, 0.25, exit_=FAILS)
    assert ended(world) == []
    one_run(world, session, 0.25, exit_=FAILS)
    (note,) = ended(world)
    assert (note.run, note.outcome, note.value, note.worst) == (1, Outcome.FAILED, None, 0.5)
    assert world.sweep().best is None


def test_the_last_point_has_only_the_repeats_that_the_cap_leaves(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "repeats": 2, "run_cap": 3})
    session = world.attach()
    for value in (0.5, 0.7, 0.3):
        one_run(world, session, value)
    assert world.sweep().state is SweepState.FINISHED
    assert world.sweep().best == Best(run=3, value=0.3)


def test_early_termination_judges_each_repeat_separately(world: World) -> None:
    rule = {"type": "threshold", "at": 1, "value": 0.5}
    world.create({**BAYES, **OBJECTIVE, "repeats": 2, "early_terminate": rule, "run_cap": 2})
    session = world.attach()
    one_run(world, session, 0.4)
    one_run(world, session, 0.6, exit_=COMMANDED)
    assert [world.run((1, number)).state for number in (1, 2)] == [RunState.FINISHED, RunState.STOPPED]
    assert [note.outcome for note in ended(world)] == [Outcome.STOPPED]
    rungs = [each for each in world.changes if isinstance(each, StudyObservation)]
    assert [each.event for each in rungs] == [StudyEvent.HANDED_OUT, StudyEvent.ENDED]


def test_a_lost_repeat_starts_over_and_counts_once(world: World) -> None:
    world.create({**BAYES, **OBJECTIVE, "repeats": 2})
    session = world.attach()
    one_run(world, session, 0.5, exit_=Exit(cause=ExitCause.ORPHANED))
    one_run(world, session, 0.25)
    one_run(world, session, 0.75)
    (note,) = ended(world)
    assert (note.run, note.value) == (1, 0.5)
    assert world.run((1, 1)).requeues == 1
