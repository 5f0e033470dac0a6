"""Commits in every kind of store: a batch is stored entirely or not at all, and survives a restart."""

import pytest

from conformance.scheduler.conftest import Opened, StoredWorld
from sweepd_kernel.errors import DomainError
from sweepd_scheduler.api.run_codec import run_message
from sweepd_scheduler.domain.effects import StartRun
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.requests.remembered import ALL_PROJECTS, EVERYBODY, Remembered, RequestKey, Used
from sweepd_scheduler.domain.requests.requests import PauseSweep
from sweepd_scheduler.domain.runs.results import RunSample, RunValue
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.transitions import RunState, SweepState
from sweepd_scheduler.message_size import Page
from sweepd_scheduler.store.ports import RunPosition, TriedPoint
from unit.scheduler.world import GRID_4, OBJECTIVE, PARENT, RANDOM

S = SweepName(PARENT, "s")
HALVING = {**OBJECTIVE, "early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 2}}


def three_runs(world: StoredWorld) -> list[StartRun]:
    """Store a finished run with 0.5, a running one with 0.3, and an assigned one."""
    session = world.attach(slots=3)
    starts = world.offer(session, 3)
    for start in starts[:2]:
        world.confirms(session, start)
    world.logs(session, starts[0].ref, 1, 0.5, 0.7)
    world.logs(session, starts[1].ref, 1, 0.3)
    world.exits(session, starts[0].ref, last_row=2, keys=("acc", "loss"))
    world.save()
    return starts


def test_stored_state_is_restored_after_a_restart(world: StoredWorld) -> None:
    world.create({**RANDOM, **HALVING, "method": "bayes", "run_cap": 9})
    world.passes(1.0)
    session = world.attach(slots=3)
    world.offer(session, 3)
    world.passes(1.0)
    starts = [command for _, command in world.sent if isinstance(command, StartRun)]
    for start in starts:
        world.confirms(session, start)
        world.logs(session, start.ref, 1, float(start.run.number), 0.5)
    world.exits(session, starts[0].ref, last_row=2)
    world.save()
    before = world.state
    world.restart()
    assert world.state.sweeps == before.sweeps
    assert world.state.runs == before.runs
    assert world.state.names == before.names
    index, before_index = world.state.index[1], before.index[1]
    assert index.digests == before_index.digests
    assert before_index.ended.best is not None
    assert index.ended == before_index.ended
    assert index.unfinished == before_index.unfinished
    assert index.at_rung == {rung: runs for rung, runs in before_index.at_rung.items() if runs}
    assert {rung: values.costs for rung, values in index.rungs.items()} == {
        rung: values.costs for rung, values in before_index.rungs.items()
    }
    assert world.state.counters["number"] >= before.counters["number"]


def test_values_at_rungs_are_deleted_when_a_run_starts_over(world: StoredWorld) -> None:
    """In a batch after the one that stored them, and in the same batch."""
    world.create({**RANDOM, **HALVING, "retry": {"failure": 3}})
    session = world.attach(slots=2)
    fails = Exit(cause=ExitCause.EXITED, code=1)
    for saved in (True, False):
        first, second = world.offer(session, 2)
        world.confirms(session, first)
        world.confirms(session, second)
        world.logs(session, first.ref, 1, 0.5, 0.4, 0.3)
        world.logs(session, second.ref, 1, 0.5)
        if saved:
            world.save()
        world.exits(session, first.ref, fails, last_row=3)
        world.exits(session, second.ref, fails, last_row=1)
    third = world.offer(session, 2)[1]
    world.confirms(session, third)
    world.logs(session, third.ref, 1, 0.7)
    world.save()
    world.restart()
    rungs = {key: rung.by_run for key, rung in world.state.index[1].rungs.items()}
    assert rungs == {(0, 1): {third.run.number: 0.7}}


def test_a_failed_commit_stores_nothing(world: StoredWorld, opened: Opened) -> None:
    world.create(GRID_4)
    world.save()
    world.happens(PauseSweep(S))
    opened.fail(True)
    with pytest.raises(DomainError) as refused:
        world.save()
    assert refused.value.metadata["service"] == "scheduler"
    assert refused.value.metadata["place"]
    opened.fail(False)
    found = opened.records.sweep(S)
    assert found is not None
    assert found.state is SweepState.PENDING
    world.save()
    paused = opened.records.sweep(S)
    assert paused is not None
    assert paused.state is SweepState.PAUSED


def request(
    name: str, time: int, account: str = "ann", project: str = "local/p", response: bytes = b"r"
) -> Remembered:
    key = RequestKey(account, project, name)
    return Remembered(key=key, fingerprint=name.encode(), response=response, time=time)


def test_requests_are_remembered_until_they_expire(opened: Opened) -> None:
    old, new = request("old", 10), request("new", 20)
    opened.store.commit([old], 1)
    opened.store.commit([new], 2)
    assert opened.store.load().newest_request == 20
    keys = [old.key, new.key]
    assert opened.store.recall(keys, 10).requests == {old.key: old, new.key: new}
    kept = opened.store.recall(keys, 15)
    assert kept.requests == {new.key: new}
    assert kept.used[new.key.owner] == kept.used[EVERYBODY] == Used(size_bytes=new.size_bytes, oldest=20)
    assert opened.store.recall(keys, 21).used[EVERYBODY].size_bytes == 0


def test_request_ids_are_scoped_to_an_account_and_a_project(opened: Opened) -> None:
    first = request("r", 10)
    other_owners = request("r", 11, account="bob"), request("r", 12, project="local/q", response=b"of q")
    opened.store.commit([first], 1)
    assert not opened.store.recall([each.key for each in other_owners], 0).requests
    opened.store.commit(other_owners, 2)
    found = opened.store.recall([first.key, *(each.key for each in other_owners)], 0)
    assert list(found.requests.values()) == [first, *other_owners]
    assert found.used[first.key.owner] == Used(size_bytes=first.size_bytes, oldest=10)
    assert found.used[EVERYBODY].size_bytes == sum(each.size_bytes for each in (first, *other_owners))
    total = Used(size_bytes=first.size_bytes + other_owners[1].size_bytes, oldest=10)
    assert found.used[("ann", ALL_PROJECTS)] == total
    later = opened.store.recall([first.key], 11).used[("ann", ALL_PROJECTS)]
    assert later == Used(size_bytes=other_owners[1].size_bytes, oldest=12)


def test_runs_are_listed_by_number_and_by_value(world: StoredWorld, opened: Opened) -> None:
    sweep = world.create({**RANDOM, **OBJECTIVE})
    three_runs(world)
    runs = opened.records.runs(sweep, (), None, 10, best=False).entries
    assert [run.number for run in runs] == [1, 2, 3]
    assert runs[0] == world.run((1, 1))
    assert runs[0].attempts == world.run((1, 1)).attempts
    best = opened.records.runs(sweep, (), None, 10, best=True).entries
    assert [run.number for run in best] == [2, 1]
    rest = opened.records.runs(sweep, (), RunPosition(number=2, value=0.3), 10, best=True).entries
    assert [run.number for run in rest] == [1]
    part = opened.records.runs(sweep, (), RunPosition(number=1), 1, best=False)
    assert ([run.number for run in part.entries], part.more) == ([2], True)
    part = opened.records.runs(sweep, (), RunPosition(number=2), 1, best=False)
    assert ([run.number for run in part.entries], part.more) == ([3], False)
    ended = opened.records.runs(sweep, (RunState.FINISHED,), None, 10, best=False).entries
    assert [run.number for run in ended] == [1]
    assert opened.records.run(RunName(S, 9)) is None


def test_points_of_finished_or_stopped_runs_are_read(world: StoredWorld, opened: Opened) -> None:
    sweep = world.create({**RANDOM, **OBJECTIVE})
    starts = three_runs(world)
    session = world.sent[-1][0]
    world.exits(session, starts[2].ref, last_row=0)  # without a value
    world.save()
    all_runs = RunSample.of(10, 10)
    valued = opened.records.tried_points(sweep, all_runs, 10, valued=True)
    one = world.run((1, 1))
    assert valued == Page((TriedPoint(1, one.point, one.value(sweep.value_kind)),), more=False)
    both = opened.records.tried_points(sweep, all_runs, 10, valued=False)
    assert [(tried.run, tried.value is None) for tried in both.entries] == [(1, False), (3, True)]
    part = opened.records.tried_points(sweep, all_runs, 1, valued=False)
    assert ([tried.run for tried in part.entries], part.more) == ([1], True)
    few = RunSample.of(1, 3)
    assert [tried.run for tried in opened.records.tried_points(sweep, few, 10, valued=False).entries] == [
        number for number in (1, 3) if few.has(number)
    ]


def test_values_of_runs_are_read_in_the_order_of_their_numbers(world: StoredWorld, opened: Opened) -> None:
    sweep = world.create({**RANDOM, **OBJECTIVE, "repeats": 3})
    three_runs(world)
    ended = world.run((1, 1))
    assert opened.records.run_values(sweep) == [
        RunValue(1, 1, RunState.FINISHED, ended.end_time, 0.5),
        RunValue(2, 1, RunState.RUNNING, 0, 0.3),
        RunValue(3, 1, RunState.ASSIGNED, 0, None),
    ]


def test_sweeps_are_listed_newest_first(world: StoredWorld, opened: Opened) -> None:
    for sweep_id in ("a", "b", "c"):
        world.create(GRID_4, sweep_id)
    world.save()
    listed = opened.records.sweeps("", "", (), None, 10)
    assert ([sweep.name.id for sweep in listed.entries], listed.more) == (["c", "b", "a"], False)
    listed = opened.records.sweeps("local", "demo", (), 3, 1)
    assert ([sweep.name.id for sweep in listed.entries], listed.more) == (["b"], True)
    assert not opened.records.sweeps("other", "", (), None, 10).entries
    assert not opened.records.sweeps("", "", (SweepState.FINISHED,), None, 10).entries


def test_a_page_of_runs_or_observations_fits_in_a_message(world: StoredWorld, opened: Opened) -> None:
    heavy = {"s": {"value": "x" * 400_000}, "x": {"min": 0.0, "max": 1.0}}
    sweep = world.create({**RANDOM, **OBJECTIVE, "method": "bayes", "parameters": heavy})
    session = world.attach(slots=20)
    world.offer(session, 20)
    world.passes(1.0)
    world.save()
    seen: list[int] = []
    more = True
    while more:
        after = RunPosition(number=seen[-1]) if seen else None
        part = opened.records.runs(sweep, (), after, 1_000, best=False)
        assert len(part.entries) == 7 or not part.more
        seen += [run.number for run in part.entries]
        more = part.more
    assert seen == list(range(1, 21))
    first = opened.records.snapshot(1, 0, 1_000)
    assert (len(first.runs), first.more) == (7, True)
    lines = opened.records.observations(1, 0, 1_000)
    assert (len(lines.entries), lines.more) == (7, True)
    assert opened.records.changed_since(1, 0, 1_000) is None  # too many for one page
    assert sum(run_message(run, sweep.value_kind).ByteSize() for run in first.runs) < 4 * 1024 * 1024


def test_changes_after_a_number_are_read(world: StoredWorld, opened: Opened) -> None:
    world.create({**RANDOM, **OBJECTIVE})
    starts = three_runs(world)
    part = opened.records.snapshot(1, 0, 2)
    assert [run.number for run in part.runs] == [1, 2]
    session = world.sent[-1][0]
    world.exits(session, starts[1].ref, Exit(cause=ExitCause.EXITED, code=3), last_row=1)
    world.save()
    changed = opened.records.changed_since(1, part.number, 10)
    assert changed is not None
    assert [(run.number, run.state) for run in changed.runs] == [(2, RunState.FAILED)]
    assert changed.number > part.number
    assert opened.records.changed_since(1, part.number, 0) is None
    assert opened.records.changed_since(1, 10_000, 10) is None


def test_observations_are_read_in_order_with_points(world: StoredWorld, opened: Opened) -> None:
    world.create({**RANDOM, **HALVING, "method": "bayes"})
    session = world.attach()
    world.offer(session)
    world.passes(1.0)
    start = world.last_sent(StartRun)
    world.confirms(session, start)
    world.logs(session, start.ref, 1, 0.5)
    world.exits(session, start.ref, last_row=1)
    world.save()
    part = opened.records.observations(1, 0, 2)
    lines = part.entries
    assert part.more
    assert [line.note.event for line in lines] == ["handed-out", "rung-reached"]
    assert lines[0].point == start.run.point
    assert [line.note.event for line in opened.records.observations(1, 2, 9).entries] == ["ended"]


def test_attempts_are_found_by_run_and_number(world: StoredWorld, opened: Opened) -> None:
    world.create({**RANDOM, **OBJECTIVE})
    three_runs(world)
    ended, running, beyond, unknown = opened.records.known(
        [(RunName(S, 1), 1), (RunName(S, 2), 1), (RunName(S, 2), 2), (RunName(S, 7), 1)]
    )
    assert ended is not None
    assert (ended.state, ended.run_state, ended.observation_row) == ("ended", "finished", 2)
    assert running is not None
    assert (running.key, running.state, running.observation_row) == ((1, 2), "running", 1)
    assert beyond is None
    assert unknown is None


def test_the_number_of_a_commit_without_rows_is_restored(opened: Opened) -> None:
    """Such as a commit of a response alone: the metric store may have its number."""
    opened.store.commit([request("r", 10)], 7)
    assert opened.reopen().load().number == 7
