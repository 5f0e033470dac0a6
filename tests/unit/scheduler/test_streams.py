"""Events for the readers of a watch: merged, in order, and bounded."""

import asyncio

import pytest

from sweepd_kernel.rpc.slow_readers import SlowReaderError, send
from sweepd_scheduler.domain.effects import RunChanged, SweepChanged
from sweepd_scheduler.reads import watch
from sweepd_scheduler.reads.watch import Watchers
from sweepd_scheduler.store.ports import Changed
from unit.scheduler.world import RANDOM, World


def changes(count: int) -> list[RunChanged | SweepChanged]:
    world = World()
    world.create(RANDOM)
    world.offer(world.attach(slots=count), count)
    return [c for c in world.changes if isinstance(c, RunChanged | SweepChanged)]


def test_changes_of_a_run_are_merged_into_its_newest_state() -> None:
    async def scenario() -> list[Changed]:
        watchers = Watchers()
        follower = watchers.follow(1)
        for number, change in enumerate(changes(3), start=1):
            watchers.publish([change], number)
        seen = [await anext(follower.changes())]
        watchers.leave(follower)
        watchers.publish(changes(1), 99)
        return seen

    (seen,) = asyncio.run(scenario())
    assert sorted(run.number for run in seen.runs) == [1, 2, 3]
    assert seen.sweep is not None
    assert seen.sweep.counts.total == 3


def test_changes_that_the_snapshot_contains_are_not_reported_again() -> None:
    async def scenario() -> int:
        watchers = Watchers()
        follower = watchers.follow(1)
        follower.floor = 5
        watchers.publish(changes(1), 5)
        watchers.publish(changes(1), 6)
        return (await anext(follower.changes())).number

    assert asyncio.run(scenario()) == 6


def test_a_reader_that_is_too_far_behind_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MAX_WAITING_RUNS", 2)

    async def scenario() -> None:
        watchers = Watchers()
        follower = watchers.follow(1)
        watchers.publish(changes(3), 1)
        await anext(follower.changes())

    with pytest.raises(SlowReaderError):
        asyncio.run(scenario())


def test_a_reader_that_reads_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweepd_kernel.rpc.slow_readers.STALL_SECONDS", 0.01)

    async def never(_message: str) -> None:
        await asyncio.Event().wait()

    with pytest.raises(SlowReaderError):
        asyncio.run(send(never, "message", "it is slow"))
