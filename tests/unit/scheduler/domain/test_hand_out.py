"""Hand-out of points: their order, their agents, and the end of a sweep."""

import pytest

from sweepd_kernel.errors import DomainError
from sweepd_scheduler.domain.effects import StartRun, SweepEnded
from sweepd_scheduler.domain.events import Answered
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import CreateSweep, PauseSweep, ResumeSweep, StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.sweep import Ending, Sweep
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.world import GRID_4, PARENT, RANDOM, World, a_spec

S = SweepName(PARENT, "s")


@pytest.fixture
def world() -> World:
    return World()


def finish_one(world: World, session: str) -> StartRun:
    start = world.takes_one(session)
    world.exits(session, start.ref)
    return start


def test_a_grid_is_enumerated_in_the_order_of_names_the_last_varying_fastest(world: World) -> None:
    world.create({"method": "grid", "parameters": {"b": {"values": [1, 2]}, "a": {"values": ["x", "y"]}}})
    session = world.attach(slots=4)
    points = [start.run.point for start in world.offer(session, 4)]
    assert points == [{"a": "x", "b": 1}, {"a": "x", "b": 2}, {"a": "y", "b": 1}, {"a": "y", "b": 2}]
    assert world.sweep().ending is Ending.GRID


def test_a_sweep_is_finished_with_a_reason_when_its_last_run_has_ended(world: World) -> None:
    world.create(GRID_4)
    session = world.attach()
    for _ in range(4):
        finish_one(world, session)
    assert world.sweep().state is SweepState.FINISHED
    assert world.last_sent(SweepEnded).state is SweepState.FINISHED
    with pytest.raises(DomainError, match="is finished"):
        world.happens(PauseSweep(S))


def test_constants_alone_make_one_run(world: World) -> None:
    world.create({"method": "grid", "parameters": {"a": {"value": 3}}})
    assert len(world.offer(world.attach(slots=9), 9)) == 1


@pytest.mark.parametrize(("cap", "runs"), [(None, 1), (3, 3)])
def test_random_search_over_constants_runs_to_the_cap_or_else_once(
    world: World, cap: int | None, runs: int
) -> None:
    extra = {} if cap is None else {"run_cap": cap}
    world.create({"method": "random", "parameters": {"a": {"value": 3}}, **extra})
    starts = world.offer(world.attach(slots=9), 9)
    assert [start.run.occurrence for start in starts] == list(range(runs))


def test_random_search_over_a_finite_space_repeats_no_point_and_ends(world: World) -> None:
    world.create({"method": "random", "parameters": {"a": {"min": 1, "max": 50}}})
    starts = world.offer(world.attach(slots=60), 60)
    assert sorted(str(start.run.point["a"]) for start in starts) == sorted(str(n) for n in range(1, 51))
    assert world.sweep().ending is Ending.GRID


def test_points_that_are_rarely_drawn_are_handed_out_in_grid_order(world: World) -> None:
    rare = {"values": ["often", "never", "hardly"], "probabilities": [1.0, 0.0, 0.0]}
    world.create({"method": "random", "parameters": {"a": rare}})
    points = [start.run.point["a"] for start in world.offer(world.attach(slots=9), 9)]
    assert points[0] == "often"
    assert len(points) == len(set(map(str, points)))


def test_the_same_seed_gives_the_same_points() -> None:
    first, second = World(), World()
    for world in (first, second):
        world.create(RANDOM)
    starts = [world.offer(world.attach(slots=5), 5) for world in (first, second)]
    assert [s.run.point for s in starts[0]] == [s.run.point for s in starts[1]]


def test_the_cap_counts_runs_not_attempts(world: World) -> None:
    world.create({**RANDOM, "run_cap": 2})
    session = world.attach()
    start = world.takes_one(session)
    world.exits(session, start.ref, Exit(cause=ExitCause.HANDED_BACK))
    again = world.takes_one(session)
    assert (again.run.number, again.ref.attempt) == (1, 2)
    world.exits(session, again.ref)
    finish_one(world, session)
    assert world.sweep().state is SweepState.FINISHED
    assert world.sweep().counts.total == 2


def test_unconfirmed_hand_outs_are_subtracted_from_an_offer(world: World) -> None:
    world.create(RANDOM)
    session = world.attach(slots=3)
    first = world.offer(session, 2)
    assert len(first) == 2
    assert not world.offer(session, 2)  # sent before the hand-outs arrived
    for left, start in zip((1, 0), first, strict=True):
        assert not world.offer(session, left)
        world.happens(Answered(session, start.command, ""))
    assert len(world.offer(session, 1)) == 1


def test_a_hand_out_lowers_the_offer_of_an_agent_that_sends_no_new_offer(world: World) -> None:
    world.create(RANDOM)
    session = world.attach(slots=2)
    (start,) = world.offer(session, 1)
    world.happens(Answered(session, start.command, ""))
    assert world.state.sessions[session].room == 0


def test_an_offer_that_already_counts_a_start_is_not_lowered_by_its_confirmation(world: World) -> None:
    world.create(RANDOM)
    ann = world.attach("ann", slots=2)
    first, second = world.offer(ann, 2)
    for start in (first, second):
        world.confirms(ann, start)
    world.happens(PauseSweep(S))
    world.exits(ann, first.ref, Exit(cause=ExitCause.HANDED_BACK))
    world.exits(ann, second.ref)
    world.offer(ann, 2)
    world.happens(ResumeSweep(S))  # hands out both slots: the requeued run and a new one
    again, other = [command for _, command in world.sent if isinstance(command, StartRun)][-2:]
    assert (again.run.number, other.run.number) == (1, 3)
    assert not world.offer(ann, 1)  # sent when the first of the two was taken, before its confirmation
    world.happens(Answered(ann, again.command, ""))
    world.happens(Answered(ann, other.command, "no room"))
    assert world.state.sessions[ann].wanted == 0
    (third,) = world.offer(ann, 1)
    assert third.run.number == 3


def test_nothing_is_handed_out_while_paused(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.happens(PauseSweep(S))
    assert not world.offer(session)
    world.happens(ResumeSweep(S))
    assert world.last_sent(StartRun).run.number == 1


def test_a_requeued_run_is_handed_out_before_new_points(world: World) -> None:
    world.create(RANDOM)
    session = world.attach(slots=2)
    starts = world.offer(session, 2)
    for start in starts:
        world.confirms(session, start)
    world.exits(session, starts[1].ref, Exit(cause=ExitCause.HANDED_BACK))
    (again,) = world.offer(session, 1)
    assert again.run.number == 2
    assert again.run.point == starts[1].run.point


def test_stopping_lets_live_runs_end_and_starts_no_other(world: World) -> None:
    world.create(RANDOM)
    session = world.attach(slots=2)
    start = world.takes_one(session)
    world.happens(StopSweep(S))
    assert world.sweep().state is SweepState.RUNNING
    assert world.sweep().ending is Ending.STOP
    assert world.last_sent(SweepEnded).state is SweepState.RUNNING
    assert not world.offer(session)
    world.exits(session, start.ref)
    assert world.sweep().state is SweepState.STOPPED
    assert world.run((1, 1)).state is RunState.FINISHED


def test_stopping_ends_runs_that_wait_to_be_handed_out_again(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1})
    session = world.attach()
    start = world.takes_one(session)
    world.exits(session, start.ref, Exit(cause=ExitCause.HANDED_BACK))
    answer = world.happens(StopSweep(S))
    assert isinstance(answer, Sweep)
    assert answer.state is SweepState.STOPPED
    assert world.run((1, 1)).state is RunState.STOPPED


def test_a_pending_sweep_is_stopped_at_once(world: World) -> None:
    world.create(RANDOM)
    answer = world.happens(StopSweep(S))
    assert isinstance(answer, Sweep)
    assert answer.state is SweepState.STOPPED


@pytest.mark.parametrize(("first", "second"), [("s", "s"), ("s", "s-1"), ("s-12", "s")])
def test_names_of_sweeps_and_their_runs_exclude_each_other(world: World, first: str, second: str) -> None:
    world.create(RANDOM, first)
    with pytest.raises(DomainError, match="exists already"):
        world.create(RANDOM, second)


def test_a_drawn_id_that_is_taken_is_skipped(world: World) -> None:
    world.create(RANDOM, "k3x9")
    answer = world.happens(
        CreateSweep(parent=PARENT, id=None, drawn_ids=("k3x9", "m4m4"), spec=a_spec(RANDOM), file=None)
    )
    assert isinstance(answer, Sweep)
    assert answer.name.id == "m4m4"
