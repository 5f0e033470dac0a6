"""Points that each method hands out, exactly as many as allowed (P13, P14, spec section 19)."""

from collections.abc import Mapping

import pytest

from sweepd.spec.point import canonical_json
from sweepd.spec.preview import preview
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import StartRun
from sweepd_scheduler.domain.events import SearchDue, SuggestionsFailed
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import EnqueueRun, StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause, PointSource
from sweepd_scheduler.domain.search.by_index import end_if_exhausted
from sweepd_scheduler.domain.sweep import Ending
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.world import OBJECTIVE, PARENT, RANDOM, World, a_spec

S = SweepName(PARENT, "s")
FIFTY = {"method": "grid", "parameters": {"a": {"min": 1, "max": 10}, "b": {"values": [1, 2, 3, 4, 5]}}}
TREE = {
    "kind": {"values": ["sgd", "adam"]},
    "momentum": {"values": [0.0, 0.9], "when": "kind == 'sgd'"},
    "beta": {"values": [0.8, 0.9, 0.99], "when": "kind == 'adam'"},
}


@pytest.fixture
def world() -> World:
    return World()


def run_until_exhausted(
    world: World, agents: int = 1, slots: int = 1, fresh_wait: int = 400
) -> list[StartRun]:
    """Take and finish runs one by one until none is left; return the runs handed out."""
    sessions = [world.attach(f"agent-{number}", slots=slots) for number in range(agents)]
    seen = 0
    for _ in range(fresh_wait):
        for session in sessions:
            if session in world.state.sessions:
                world.offer(session, slots)
        world.passes(0.0)  # fire the timers that are due now
        starts = [(session, command) for session, command in world.sent if isinstance(command, StartRun)]
        if len(starts) == seen:
            break
        for session, start in starts[seen:]:
            world.confirms(session, start)
            world.exits(session, start.ref)
        seen = len(starts)
    return [command for _, command in world.sent if isinstance(command, StartRun)]


def texts(starts: list[StartRun]) -> list[str]:
    return [canonical_json(start.run.point) for start in starts]


def enqueue(world: World, point: Mapping[str, object], *, first: bool = False) -> None:
    world.happens(EnqueueRun(sweep=S, point=dict(point), first=first))  # type: ignore[arg-type]


@pytest.mark.parametrize("shuffle", [False, True])
def test_fifty_agents_at_once_get_the_fifty_points_of_a_grid(world: World, shuffle: bool) -> None:
    world.create({**FIFTY, "shuffle": shuffle})
    sessions = [world.attach(f"agent-{number}") for number in range(50)]
    starts = [start for session in sessions for start in world.offer(session)]
    assert len(starts) == len(set(texts(starts))) == 50
    assert world.sweep().ending is Ending.GRID
    assert not world.offer(world.attach("late"))


@pytest.mark.lengthy
@pytest.mark.parametrize(
    "document",
    [
        {**FIFTY, "shuffle": True},
        {**FIFTY, "method": "sobol"},
        {**FIFTY, "method": "random"},
        {"method": "grid", "parameters": TREE},
        {"method": "sobol", "parameters": TREE},
        {**FIFTY, "constraints": ["a + b == 6"]},
        {**FIFTY, "constraints": ["a + b == 6"], "shuffle": True},
        {**FIFTY, "initial": [{"a": 7}, {"b": 2}], "repeats": 2},
        {"method": "sobol", "parameters": RANDOM["parameters"], "run_cap": 20, "initial": [{"x": 0.25}]},
        {"method": "list", "runs": [{"a": 1}, {"a": 2}, {"a": 1}], "repeats": 3, "run_cap": 8},
    ],
)
def test_a_sweep_hands_out_the_points_of_its_preview_and_ends_where_it_does(
    world: World, document: dict[str, object]
) -> None:
    world.create(document)
    starts = run_until_exhausted(world, agents=3, slots=2)
    shown = preview(a_spec(document), 1_000)
    by_number = sorted((start.run for start in starts), key=lambda run: run.number)
    assert [run.point for run in by_number] == [run.point for run in shown.runs]
    assert [run.repeat for run in by_number] == [run.repeat for run in shown.runs]
    assert [run.provenance.source.value for run in by_number] == [run.source.value for run in shown.runs]
    assert len(starts) == shown.planned_runs == world.sweep().planned_runs
    assert world.sweep().state is SweepState.FINISHED


def test_a_grid_with_conditions_counts_and_hands_out_distinct_active_points(world: World) -> None:
    assert world.create({"method": "grid", "parameters": TREE}).planned_runs == 5
    starts = run_until_exhausted(world)
    assert len(starts) == len(set(texts(starts))) == 5
    assert all(("momentum" in start.run.point) != ("beta" in start.run.point) for start in starts)


@pytest.mark.parametrize("method", ["grid", "random", "sobol", "bayes"])
def test_every_point_satisfies_the_constraints(world: World, method: str) -> None:
    world.create({**FIFTY, **OBJECTIVE, "method": method, "constraints": ["a * b < 8"]})
    session = world.attach(slots=60)
    world.offer(session, 60)
    if method == "bayes":
        world.happens(SuggestionsFailed(1, "away"))
    world.passes(5.0, silent=False)
    starts = [command for _, command in world.sent if isinstance(command, StartRun)]
    assert len(starts) == len(set(texts(starts))) == sum(a * b < 8 for a in range(1, 11) for b in range(1, 6))
    assert all(int(str(s.run.point["a"])) * int(str(s.run.point["b"])) < 8 for s in starts)
    assert world.sweep().ending is Ending.GRID


def test_a_list_hands_out_duplicates_as_often_as_they_are_written(world: World) -> None:
    world.create({"method": "list", "runs": [{"a": 1}, {"a": 2}, {"a": 1}, {"a": 1}]})
    starts = run_until_exhausted(world)
    assert [start.run.point["a"] for start in starts] == [1, 2, 1, 1]
    assert [start.run.occurrence for start in starts] == [0, 0, 1, 2]
    assert {start.run.provenance.source for start in starts} == {PointSource.LIST}


def test_a_sweep_is_exhausted_with_its_last_possible_point(world: World) -> None:
    world.create({**FIFTY, "constraints": ["a == 1"]})
    assert len(world.offer(world.attach(slots=5), 5)) == 5
    assert world.sweep().ending is Ending.GRID


def test_repeats_of_a_point_are_created_together_and_handed_out_before_new_points(world: World) -> None:
    world.create({**RANDOM, "repeats": 3})
    session = world.attach(slots=8)
    (first,) = world.offer(session, 1)
    assert [world.run((1, number)).state for number in (1, 2, 3)] == [
        RunState.ASSIGNED,
        *[RunState.PENDING] * 2,
    ]
    world.confirms(session, first)
    others = world.offer(session, 4)
    assert [(start.run.number, start.run.repeat) for start in others] == [(2, 1), (3, 2), (4, 0), (5, 1)]
    assert len(set(texts([first, *others[:2]]))) == 1
    assert len(set(texts([first, *others]))) == 2
    assert {start.run.occurrence for start in (first, *others)} == {0}


def test_a_returned_run_is_handed_out_before_repeats_and_enqueued_points(world: World) -> None:
    world.create({**RANDOM, "repeats": 2})
    ann, bob = world.attach("ann", slots=9), world.attach("bob", slots=9)
    starts = world.offer(ann, 3)
    for start in starts:
        world.confirms(ann, start)
    enqueue(world, {"x": 0.5})
    enqueue(world, {"x": 0.75}, first=True)
    world.exits(ann, starts[2].ref, Exit(cause=ExitCause.HANDED_BACK))
    order = [(start.run.number, start.run.repeat) for start in world.offer(bob, 6)]
    assert order == [(7, 0), (8, 1), (3, 0), (4, 1), (5, 0), (6, 1)]


@pytest.mark.parametrize("cap", range(1, 14))
@pytest.mark.parametrize("agents", [1, 5])
def test_the_cap_is_exact_with_repeats_initial_and_enqueued_points(
    world: World, cap: int, agents: int
) -> None:
    """P14: the cap is never exceeded, and reached, as there are enough points."""
    world.create({**RANDOM, "repeats": 3, "run_cap": cap, "initial": [{"x": 0.25}, {"x": 0.5}]})
    if cap > 4:
        enqueue(world, {"x": 0.125})
    starts = run_until_exhausted(world, agents=agents, slots=2)
    assert len(starts) == cap == world.sweep().counts.total == world.sweep().planned_runs
    assert world.sweep().state is SweepState.FINISHED
    assert world.sweep().ending is Ending.CAP


@pytest.mark.parametrize("method", ["grid", "random", "sobol"])
def test_enqueued_points_are_not_handed_out_twice_and_end_no_sweep_early(world: World, method: str) -> None:
    world.create({**FIFTY, "method": method})
    for point in ({"a": 3, "b": 3}, {"a": 10, "b": 5}, {"a": 3, "b": 3}):
        enqueue(world, point)
    starts = run_until_exhausted(world, agents=2, slots=4)
    assert len(starts) == 51
    assert len(set(texts(starts))) == 50
    assert [start.run.provenance.source for start in starts[:3]] == [PointSource.ENQUEUED] * 3
    assert world.sweep().ending is Ending.GRID


def test_an_enqueued_last_point_ends_a_grid(world: World) -> None:
    world.create({"method": "grid", "parameters": {"a": {"values": [1, 2]}}})
    session = world.attach(slots=3)
    world.offer(session, 1)
    enqueue(world, {"a": 2})
    assert world.sweep().ending is Ending.GRID


def test_initial_points_of_bayes_are_handed_out_without_a_suggestion(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "method": "bayes", "initial": [{"x": 0.25}, {"x": 0.75}]})
    session = world.attach(slots=3)
    starts = world.offer(session, 3)
    assert [start.run.point for start in starts] == [{"x": 0.25}, {"x": 0.75}]
    assert {start.run.provenance.source for start in starts} == {PointSource.INITIAL}
    assert world.asked(), "the third waits for the search"


RARE = {
    "method": "grid",
    "shuffle": True,
    "parameters": {name: {"min": 1, "max": 36} for name in "abc"},
    "constraints": ["(a * b * c) % 1009 == 7 and a > b and b > c"],
    "seed": 19,
}


@pytest.mark.lengthy
def test_a_long_search_is_interrupted_and_continues_at_once(world: World) -> None:
    """No batch takes long, however rare points are; a waiting agent is served once one is found."""
    world.create(RARE)
    session = world.attach()
    turns = 0
    started = bool(world.offer(session))
    while not started:
        assert not world.offer(world.attach(f"other-{turns}")), "meanwhile no second search runs"
        (due,) = (timer for timer in world.timers if isinstance(timer[1], SearchDue))
        assert due[0] == world.now, "the search continues at once"
        world.timers.remove(due)
        world.happens(due[1])
        started = any(isinstance(command, StartRun) for _, command in world.sent)
        turns += 1
    assert turns == 3


@pytest.mark.lengthy
def test_a_search_continues_after_a_second_while_no_agent_waits(world: World) -> None:
    world.create(RARE)
    starts: list[object] = []
    session = world.attach()
    world.offer(session)
    while not starts:
        world.passes(0.0)
        starts = [command for _, command in world.sent if isinstance(command, StartRun)]
    due = [at for at, event in world.timers if isinstance(event, SearchDue)]
    assert due == [world.now + 1.0]


def test_a_search_is_dropped_when_its_sweep_has_ended(world: World) -> None:
    world.create(RANDOM)
    world.happens(StopSweep(S))
    before = list(world.changes)
    world.happens(SearchDue(1))
    assert world.changes == before


@pytest.mark.lengthy
def test_a_search_continues_after_a_restart(world: World) -> None:
    world.create(RARE)
    world.offer(world.attach())
    assert world.state.index[1].searching
    world.restarts()
    starts = run_until_exhausted(world, fresh_wait=3)
    assert starts


def test_a_sweep_that_starts_no_new_runs_counts_as_exhausted(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1})
    draft = Draft(world.state, world.clock_reading)
    assert not end_if_exhausted(draft, 1)
    world.takes_one(world.attach())
    assert world.sweep().ending is Ending.CAP
    assert end_if_exhausted(draft, 1)
    assert draft.changes == []
