"""Points that a client enqueues; section 19."""

import pytest

from sweepd_kernel.errors import DomainError, InvalidFieldError, Reason
from sweepd_scheduler.domain.effects import StartRun
from sweepd_scheduler.domain.requests.requests import CancelSweep, PauseSweep, ResumeSweep, Runs, StopSweep
from sweepd_scheduler.domain.runs.run import PointSource
from sweepd_scheduler.domain.sweep import Ending
from sweepd_scheduler.domain.transitions import SweepState
from unit.scheduler.client_requests import S, end_run, enqueue, retry
from unit.scheduler.world import GRID_4, OBJECTIVE, RANDOM, World

TWO = {"method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}, "c": {"values": ["u", "v"]}}}


@pytest.fixture
def world() -> World:
    return World()


def test_an_enqueued_point_is_handed_out_before_those_of_the_method(world: World) -> None:
    world.create({**RANDOM, "run_cap": 2})
    answer = enqueue(world, {"x": 0.125})
    assert isinstance(answer, Runs)
    assert [run.number for run in answer.runs] == [1]
    session = world.attach(slots=2)
    first, second = world.offer(session, 2)
    assert (first.run.point, first.run.provenance.source) == ({"x": 0.125}, PointSource.ENQUEUED)
    assert second.run.provenance.source is PointSource.RANDOM
    assert world.sweep().ending is Ending.CAP, "it counts for the cap"


def test_missing_parameters_of_an_enqueued_point_are_completed_and_given_ones_kept(world: World) -> None:
    world.create(TWO)
    enqueue(world, {"c": "v"})
    point = world.run((1, 1)).point
    assert point["c"] == "v"
    assert world.state.sweeps[1].spec.search_space.violations(point) == ()


def test_a_grid_completes_a_point_by_its_first_new_combination(world: World) -> None:
    quantised = {
        "distribution": "q_uniform",
        "min": 0,
        "max": 4,
        "q": 2,
    }  # 4 can be drawn, but is not in the grid
    world.create({"method": "grid", "parameters": {"a": quantised, "b": {"values": [1, 2]}}})
    for _ in range(3):
        enqueue(world, {"b": 2})
    points = [world.run((1, number)).point for number in (1, 2, 3)]
    assert points == [{"a": 0, "b": 2}, {"a": 2, "b": 2}, {"a": 0, "b": 2}]
    enqueue(world, {"a": 4})
    assert world.run((1, 4)).point["a"] == 4, "an enqueued point may lie outside the grid"


def test_a_point_of_a_finite_space_is_completed_to_a_new_one_while_there_is_one(world: World) -> None:
    world.create({**TWO, "parameters": {"n": {"min": 1, "max": 5}, "c": {"values": ["u", "v"]}}})
    for _ in range(6):
        enqueue(world, {"c": "v"})
    assert {world.run((1, number)).point["n"] for number in range(1, 6)} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("point", [{"x": 2.0}, {"y": 0.5}, {"x": "text"}])
def test_a_point_outside_the_space_is_refused(world: World, point: dict[str, float]) -> None:
    world.create(RANDOM)
    with pytest.raises(InvalidFieldError) as refused:
        enqueue(world, point)
    assert refused.value.violations[0].field == "parameters"
    assert world.sweep().counts.total == 0


def test_a_list_without_a_space_accepts_any_point_with_its_parameter_names(world: World) -> None:
    world.create({"method": "list", "runs": [{"n": 1}, {"n": 2, "lr": 0.5}]})
    enqueue(world, {"lr": "new"})
    assert world.run((1, 1)).point == {"lr": "new"}
    with pytest.raises(InvalidFieldError, match="m does not occur in `runs`"):
        enqueue(world, {"n": 1, "m": 2})
    session = world.attach(slots=4)
    assert [start.run.point for start in world.offer(session, 4)] == [
        {"lr": "new"},
        {"n": 1},
        {"n": 2, "lr": 0.5},
    ]


def test_a_point_enqueued_first_is_handed_out_before_requeued_runs(world: World) -> None:
    world.create(RANDOM)
    for x in (0.1, 0.2):
        enqueue(world, {"x": x})
    enqueue(world, {"x": 0.3}, first=True)
    enqueue(world, {"x": 0.4}, first=True)
    session = world.attach(slots=4)
    assert [start.run.number for start in world.offer(session, 4)] == [4, 3, 1, 2]


def test_a_point_may_be_enqueued_twice_and_a_grid_does_not_repeat_it(world: World) -> None:
    world.create(GRID_4)
    enqueue(world, {"a": 1, "b": 2})
    enqueue(world, {"a": 1, "b": 2})
    session = world.attach(slots=9)
    starts = world.offer(session, 9)
    assert len(starts) == 5
    assert [start.run.point for start in starts[:2]] == [{"a": 1, "b": 2}] * 2
    assert [start.run.occurrence for start in starts[:2]] == [0, 1]
    assert {tuple(start.run.point.values()) for start in starts} == {(1, 1), (1, 2), (2, 1), (2, 2)}


def test_an_enqueued_point_beyond_the_cap_is_refused_with_the_remedy(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1})
    enqueue(world, {"x": 0.5})
    with pytest.raises(DomainError, match="raise it first") as refused:
        enqueue(world, {"x": 0.25})
    assert refused.value.reason is Reason.CAP_REACHED
    assert refused.value.metadata == {"name": "local/demo/s", "run_cap": "1"}


def test_a_finished_sweep_continues_with_an_enqueued_point_and_finishes_again(world: World) -> None:
    world.create(GRID_4)
    session = world.attach()
    for _ in range(4):
        world.exits(session, world.takes_one(session).ref)
    assert world.sweep().state is SweepState.FINISHED
    world.offer(session)
    enqueue(world, {"a": 1, "b": 1})
    start = world.last_sent(StartRun)
    assert (start.run.number, world.sweep().state) == (5, SweepState.RUNNING)
    world.confirms(session, start)
    world.exits(session, start.ref)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.FINISHED, Ending.GRID)


@pytest.mark.parametrize("command", [StopSweep, CancelSweep])
def test_a_stopped_or_cancelled_sweep_accepts_no_points(
    world: World, command: type[StopSweep] | type[CancelSweep]
) -> None:
    world.create(RANDOM)
    live = world.attach()
    world.takes_one(live)
    world.happens(command(S))
    with pytest.raises(DomainError) as refused:
        enqueue(world, {"x": 0.5})
    assert refused.value.reason is Reason.WRONG_STATE
    world.leaves(live)
    world.passes(200.0)
    assert not world.state.sweeps
    with pytest.raises(DomainError) as refused:
        enqueue(world, {"x": 0.5})
    assert refused.value.reason is Reason.WRONG_STATE


def test_an_enqueued_point_has_as_many_repeats_as_the_cap_leaves(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "repeats": 3, "run_cap": 5})
    answer = enqueue(world, {"x": 0.5})
    assert isinstance(answer, Runs)
    assert [(run.number, run.repeat) for run in answer.runs] == [(1, 0), (2, 1), (3, 2)]
    answer = enqueue(world, {"x": 0.25})
    assert isinstance(answer, Runs)
    assert [(run.number, run.repeat) for run in answer.runs] == [(4, 0), (5, 1)]


def test_a_paused_sweep_keeps_an_enqueued_point_until_it_is_resumed(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.happens(PauseSweep(S))
    world.offer(session)
    enqueue(world, {"x": 0.5})
    assert world.state.index[1].pending.first == 1
    world.happens(ResumeSweep(S))
    assert world.last_sent(StartRun).run.number == 1
    assert world.sweep().start_time, "its first hand-out is recorded nevertheless"


def test_a_sweep_ended_by_enqueued_points_keeps_its_reason_when_their_run_is_the_first_to_start(
    world: World,
) -> None:
    world.create({**RANDOM, "run_cap": 1})
    enqueue(world, {"x": 0.5})
    session = world.attach()
    world.offer(session)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.RUNNING, Ending.CAP)
    assert world.sweep().reason == "run_cap is reached"


def test_a_cap_that_was_reached_during_a_pause_is_shown_after_it(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1})
    world.happens(PauseSweep(S))
    enqueue(world, {"x": 0.5})
    world.happens(ResumeSweep(S))
    assert world.sweep().ending is Ending.CAP, "though no agent asks for a run"


def test_a_run_that_never_started_can_be_stopped_and_retried(world: World) -> None:
    world.create(RANDOM)
    enqueue(world, {"x": 0.5})
    end_run(world, 1)
    retry(world, 1)
    session = world.attach()
    (start,) = world.offer(session)
    assert (start.run.number, start.ref.attempt) == (1, 1)
