"""Events and requests that come late: of what has ended, changed or been asked for already."""

import pytest

from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.effects import LogLine
from sweepd_scheduler.domain.events import Described, SuggestionsArrived
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.requests.requests import (
    CancelSweep,
    EndRun,
    NotInMemoryError,
    PauseSweep,
    Retried,
    RetryRuns,
    StopSweep,
)
from sweepd_scheduler.domain.runs.attempt_end import signal_name
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.runs.values import NO_VALUES
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.client_requests import S, end_run, enqueue, retry
from unit.scheduler.world import OBJECTIVE, PARENT, RANDOM, World

RUN = (1, 1)
EXIT_1 = Exit(cause=ExitCause.EXITED, code=1)


@pytest.fixture
def world() -> World:
    return World()


def test_a_sweep_is_stopped_once(world: World) -> None:
    world.create(RANDOM)
    world.takes_one(world.attach())
    stopped = world.happens(StopSweep(S))
    count = len(world.changes)
    assert world.happens(StopSweep(S)) == stopped
    assert len(world.changes) == count


def test_a_run_of_an_unknown_sweep_does_not_exist(world: World) -> None:
    name = RunName(SweepName(PARENT, "unknown"), 1)
    with pytest.raises(NotFoundError, match="local/demo/unknown-1 does not exist"):
        world.happens(EndRun(name=name, looked_up=True, found=None))


def test_suggestions_for_a_sweep_that_has_ended_are_dropped(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "method": "bayes"})
    world.happens(CancelSweep(S))
    count = len(world.changes)
    world.happens(SuggestionsArrived(sweep=1, suggestions=(), exhausted=True))
    assert len(world.changes) == count


def test_a_run_handed_back_after_its_sweep_was_cancelled_is_not_tried_again(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    start = world.takes_one(session)
    world.happens(CancelSweep(S))
    world.exits(session, start.ref, Exit(cause=ExitCause.HANDED_BACK))
    assert (world.run(RUN).state, world.run(RUN).reason) == (RunState.KILLED, "the sweep was cancelled")


def test_a_run_that_waits_again_meanwhile_is_not_retried_twice(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    world.happens(PauseSweep(S))
    failed, stored = world.run(RUN), world.everything().stored(S)
    retry(world, 1)
    count = len(world.changes)
    again = RetryRuns(sweep=S, runs=(failed,), siblings=(), named=False, stored=stored)
    assert world.happens(again) == Retried(names=())
    assert len(world.changes) == count


def test_a_run_that_has_ended_since_it_was_read_is_read_again(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    start = world.takes_one(session)
    running = world.run(RUN)
    world.exits(session, start.ref)
    stored = world.everything().stored(S)
    with pytest.raises(NotInMemoryError, match="local/demo/s-1 changes too fast"):
        world.happens(RetryRuns(sweep=S, runs=(running,), siblings=(), named=True, stored=stored))


def test_a_name_that_a_script_gives_its_run_is_shown_until_it_has_ended(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    ref = world.takes_one(session).ref

    def describe(name: str, *tags: str) -> None:
        event = Described(session=session, ref=ref, sequence=1, body=b"", display_name=name, tags=tags)
        world.happens(event)

    describe("first", "a")
    assert (world.state.runs[RUN].display_name, world.state.runs[RUN].tags) == ("first", ("a",))
    described = world.run(RUN)
    describe("first", "a")
    assert world.state.runs[RUN] is described, "nothing has changed"
    describe("first", "a", "b")
    assert world.state.runs[RUN].tags == ("a", "b")
    describe("second", "a", "b")
    assert world.state.runs[RUN].display_name == "second"
    world.exits(session, ref)
    describe("third")
    assert RUN not in world.state.runs


def test_without_an_objective_a_summary_has_no_value(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, summary_value=0.5)
    assert world.run(RUN).values == NO_VALUES


def test_sweeps_that_had_ended_are_known_after_a_restart(world: World) -> None:
    world.create(RANDOM)
    world.create(RANDOM, "t")
    world.happens(CancelSweep(S))
    world.restarts()
    assert {key: (str(each.name), each.state) for key, each in world.state.ended.items()} == {
        1: ("local/demo/s", SweepState.CANCELLED)
    }
    assert world.state.name_taken(S)
    assert world.create(RANDOM, "u").key == 3


def test_a_signal_has_its_name_if_it_is_known() -> None:
    assert [signal_name(number) for number in (9, 15, 99)] == ["SIGKILL", "SIGTERM", "signal 99"]


def test_the_log_has_why_an_agent_gets_no_more_runs_and_why_a_sweep_is_paused(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 1}})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    lines = [each.message for each in world.effects if isinstance(each, LogLine)]
    assert [line.partition(": ")[0] for line in lines] == ["local/demo/s", "local/demo/s is paused"]
    assert "agent ann is quarantined: 1 attempt failed there" in lines[0]
    assert "every attached agent is quarantined" in lines[1]


def test_a_report_that_comes_twice_or_is_empty_is_acknowledged_and_changes_nothing(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE})
    session = world.attach()
    (start,) = world.offer(session)
    world.logs(session, start.ref, 1)
    assert world.run(RUN).state is RunState.ASSIGNED
    world.logs(session, start.ref, 1, 0.5, 0.25)
    assert world.run(RUN).state is RunState.RUNNING
    count = len(world.changes)
    for values in ((0.5, 0.25), (0.5,), ()):
        world.logs(session, start.ref, 1, *values)
    assert len(world.changes) == count
    assert [each.observation_row for each in world.acks()] == [0, 2, 2, 2, 2]


@pytest.mark.parametrize(("method", "known"), [("bayes", [10.0]), ("random", [])])
def test_a_search_that_learns_knows_how_long_runs_take_that_have_begun(
    world: World, method: str, known: list[float]
) -> None:
    world.create({**RANDOM, **OBJECTIVE, "method": method})
    session = world.attach()
    enqueue(world, {"x": 0.5})
    enqueue(world, {"x": 0.25})
    ref = world.takes_one(session).ref
    end_run(world, 2)
    assert world.run((1, 2)).state is RunState.STOPPED
    world.passes(10)
    world.exits(session, ref)
    assert world.state.index[1].durations == pytest.approx(known, abs=0.01)
