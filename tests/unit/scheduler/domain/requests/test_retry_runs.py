"""Retries of ended runs; P13, P14, P21 and section 19, `retry`."""

import pytest

from sweepd_kernel.errors import DomainError, WrongStateError
from sweepd_scheduler.domain.agents.agent import GuardRecord, QuarantineCause
from sweepd_scheduler.domain.effects import HistoryEntry, StartRun, SweepEnded
from sweepd_scheduler.domain.requests.requests import (
    CancelSweep,
    NotInMemoryError,
    Retried,
    RetryRuns,
    StopSweep,
)
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.search.study import StudyEvent, StudyObservation
from sweepd_scheduler.domain.sweep import Ending
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.client_requests import S, end_run, enqueue, retry
from unit.scheduler.world import GRID_4, OBJECTIVE, RANDOM, World

EXIT_1 = Exit(cause=ExitCause.EXITED, code=1)
TWO = {**RANDOM, **OBJECTIVE, "run_cap": 2}


@pytest.fixture
def world() -> World:
    return World()


def finish(world: World, session: str, value: float, exit_: Exit | None = None) -> StartRun:
    """Take a run, log one value, end."""
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, value)
    world.exits(session, start.ref, exit_ or Exit(cause=ExitCause.EXITED, code=0), last_row=1, keys=("loss",))
    return start


def finished_by_cap(world: World) -> str:
    """A finished sweep of two runs: run 1 has failed with the better value."""
    world.create(TWO)
    session = world.attach()
    finish(world, session, 0.25, EXIT_1)
    finish(world, session, 0.5)
    assert world.sweep().state is SweepState.FINISHED
    return session


@pytest.mark.parametrize("failing", [1, 2])
def test_a_run_that_is_retried_before_its_point_has_ended_counts_once(world: World, failing: int) -> None:
    world.create({**RANDOM, **OBJECTIVE, "repeats": 3})
    session = world.attach()
    for number in range(1, failing + 1):
        finish(world, session, 0.5, EXIT_1 if number == failing else None)
    retry(world, failing)
    world.restarts()  # compares the ended runs of each point
    session = world.attach()
    for _ in range(failing, 4):
        finish(world, session, 1.0)
    best = world.sweep().best
    assert best is not None
    assert best.value == pytest.approx((0.5 * (failing - 1) + 4 - failing) / 3)


def test_a_retried_run_is_the_same_run_with_a_new_attempt(world: World) -> None:
    session = finished_by_cap(world)
    before = world.run((1, 1))
    answer = retry(world, 1)
    assert answer == Retried(names=("local/demo/s-1",))
    (start,) = world.offer(session)
    assert (start.run.number, start.ref.attempt) == (1, 2)
    assert (start.run.point, start.run.provenance) == (before.point, before.provenance)
    world.confirms(session, start)
    world.logs(session, start.ref, 1, 0.75)
    world.exits(session, start.ref, last_row=1, keys=("loss",))
    assert world.run((1, 1)).state is RunState.FINISHED
    sweep = world.sweep()
    assert (sweep.state, sweep.ending, sweep.counts.total) == (SweepState.FINISHED, Ending.CAP, 2)
    kinds = [change.kind for change in world.changes if isinstance(change, HistoryEntry)]
    assert {"run-retried", "sweep-reopened"} <= set(kinds)


def test_the_best_value_of_a_retried_run_is_reset_once_it_starts_over(world: World) -> None:
    session = finished_by_cap(world)
    retry(world, 1)
    best = world.sweep().best
    assert best is not None
    assert best.run == 1, "its earlier values count until its new attempt begins"
    world.offer(session)
    best = world.sweep().best
    assert best is not None
    assert (best.run, best.value) == (2, 0.5)


def test_an_agent_that_serves_an_ended_sweep_gets_the_retried_run_at_once(world: World) -> None:
    session = finished_by_cap(world)
    assert world.last_sent(SweepEnded).state is SweepState.FINISHED
    world.offer(session)
    retry(world, 1)
    assert world.last_sent(StartRun).run.number == 1


def test_all_failed_runs_are_retried_in_the_order_of_their_numbers(world: World) -> None:
    world.create({**RANDOM, "run_cap": 3})
    session = world.attach(slots=3)
    for start in world.offer(session, 3):
        world.confirms(session, start)
        world.exits(
            session, start.ref, EXIT_1 if start.run.number != 2 else Exit(cause=ExitCause.EXITED, code=0)
        )
    answer = retry(world)
    assert answer == Retried(names=("local/demo/s-1", "local/demo/s-3"))
    assert [start.run.number for start in world.offer(session, 3)] == [1, 3]


def test_a_request_that_names_a_finished_or_live_run_retries_none(world: World) -> None:
    world.create(TWO)
    session = world.attach(slots=2)
    finish(world, session, 0.25, EXIT_1)
    live = world.takes_one(session)
    with pytest.raises(WrongStateError, match="cannot retry local/demo/s-2: it is running"):
        retry(world, 1, 2)
    assert world.run((1, 1)).state is RunState.FAILED
    world.exits(session, live.ref)
    with pytest.raises(WrongStateError, match="finished"):
        retry(world, 2)


def test_a_retry_without_any_failed_run_changes_nothing(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref)
    changes = len(world.changes)
    assert retry(world) == Retried(names=())
    assert len(world.changes) == changes
    assert world.state.ended


def test_a_stopped_sweep_continues_with_the_retried_runs_alone(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    world.happens(StopSweep(S))
    world.offer(session)
    retry(world, 1)
    start = world.last_sent(StartRun)
    assert (start.run.number, start.ref.attempt) == (1, 2)
    world.confirms(session, start)
    world.exits(session, start.ref)
    assert world.offer(session) == []
    assert (world.sweep().state, world.sweep().counts.total) == (SweepState.STOPPED, 1)


def test_a_stopped_sweep_that_continues_can_be_stopped_again(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    world.happens(StopSweep(S))
    retry(world, 1)
    world.happens(StopSweep(S))
    assert (world.run((1, 1)).state, world.sweep().state) == (RunState.STOPPED, SweepState.STOPPED)


def test_runs_of_a_cancelled_sweep_are_not_retried(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    world.happens(CancelSweep(S))
    with pytest.raises(WrongStateError, match="cancelled"):
        retry(world, 1)


def test_a_target_that_only_the_retried_run_had_reached_no_longer_counts(world: World) -> None:
    world.create({**RANDOM, "metric": {"name": "loss", "target": 0.3}})
    session = world.attach()
    finish(world, session, 0.25, EXIT_1)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.FINISHED, Ending.TARGET)
    retry(world, 1)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.RUNNING, None)
    start = world.takes_one(session)
    assert start.run.number == 1
    world.exits(session, start.ref)
    assert world.takes_one(session).run.number == 2


def test_the_cap_counts_where_the_target_no_longer_does(world: World) -> None:
    world.create({**RANDOM, "metric": {"name": "loss", "target": 0.3}, "run_cap": 2})
    session = world.attach()
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, 0.25)
    enqueue(world, {"x": 0.5})
    world.exits(session, start.ref, EXIT_1, last_row=1, keys=("loss",))
    finish(world, session, 0.5)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.FINISHED, Ending.TARGET)
    retry(world, 1)
    assert (world.sweep().state, world.sweep().ending) == (SweepState.RUNNING, Ending.CAP)


def test_retries_and_requeues_are_counted_anew(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1, "retry": {"failure": 1}})
    session = world.attach()
    for _ in range(2):
        world.exits(session, world.takes_one(session).ref, EXIT_1)
    assert (world.run((1, 1)).state, world.run((1, 1)).failures) == (RunState.FAILED, 1)
    retry(world, 1)
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    assert (world.run((1, 1)).state, world.run((1, 1)).failures) == (RunState.PENDING, 1)


def test_the_search_is_notified_that_the_point_is_pending_again(world: World) -> None:
    world.create({**TWO, "method": "bayes"})
    session = world.attach()
    world.offer(session)
    world.passes(1.0)
    start = world.last_sent(StartRun)
    world.confirms(session, start)
    world.logs(session, start.ref, 1, 0.5)
    world.exits(session, start.ref, EXIT_1, last_row=1)
    retry(world, 1)
    notes = [(c.run, c.event) for c in world.changes if isinstance(c, StudyObservation)]
    assert notes == [(1, StudyEvent.HANDED_OUT), (1, StudyEvent.ENDED), (1, StudyEvent.HANDED_OUT)]


def test_a_repeat_that_is_retried_opens_its_point_again(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "repeats": 2, "run_cap": 2})
    session = world.attach()
    finish(world, session, 0.25, EXIT_1)
    finish(world, session, 0.75)
    assert world.sweep().best is None, "a point with a failed run has no value"
    retry(world, 1)
    assert set(world.state.index[1].blocks) == {1}
    finish(world, session, 0.5)
    best = world.sweep().best
    assert best is not None
    assert (best.run, best.value) == (1, 0.625)
    assert world.sweep().state is SweepState.FINISHED


def test_a_run_that_has_changed_since_it_was_read_is_read_again(world: World) -> None:
    world.create({**RANDOM, "run_cap": 2})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    stale = world.run((1, 1))
    retry(world, 1)
    end_run(world, 1)
    event = RetryRuns(sweep=S, runs=(stale,), named=True)
    with pytest.raises(NotInMemoryError):
        world.happens(event)
    assert world.run((1, 1)).state is RunState.STOPPED
    assert retry(world, 1) == Retried(names=("local/demo/s-1",))


def test_an_ended_sweep_that_has_changed_since_is_read_again(world: World) -> None:
    session = finished_by_cap(world)
    stale = world.everything().stored(S)
    failed = world.run((1, 1))
    retry(world, 1)
    world.passes(1.0)
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    assert world.sweep().state is SweepState.FINISHED
    with pytest.raises(NotInMemoryError) as missing:
        world.happens(RetryRuns(sweep=S, runs=(failed,), named=True, stored=stale))
    assert missing.value.whole
    with pytest.raises(NotInMemoryError):
        world.happens(RetryRuns(sweep=S, runs=(failed,), named=True))


def test_a_refused_retry_leaves_an_ended_sweep_out_of_memory(world: World) -> None:
    finished_by_cap(world)
    with pytest.raises(DomainError):
        retry(world, 1, 2)
    assert (set(world.state.ended), world.state.sweeps, world.state.runs) == ({1}, {}, {})


def test_quarantines_are_restored_when_an_ended_sweep_continues(world: World) -> None:
    world.create({**GRID_4, "guard": {"agent": 1}})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    reason = "exited with code 1"
    guards = {"ann": GuardRecord(failures=1, quarantine=QuarantineCause.FAILURES, reason=reason)}
    assert world.state.index[1].guards == guards
    world.happens(StopSweep(S))
    retry(world, 1)
    assert world.state.index[1].guards == guards
    assert world.offer(session) == []
