"""The writer commits all queued arrivals together, and one bad arrival fails alone."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest

from sweepd_kernel.clock import SystemClock
from sweepd_kernel.errors import DomainError, StorageError, UnavailableError
from sweepd_metric_store.ports import Arrival, AttemptName, LogArrived, Stored
from sweepd_metric_store.writer import COMMIT_WEIGHT, MAX_QUEUED, Writer

STOPPING = UnavailableError("metric-store", "here", "it is stopping")


class MemoryWrites:
    """A store that records its writes, and blocks in the first commit until the gate opens."""

    def __init__(self) -> None:
        self.commits: list[list[int]] = []
        self.begun = threading.Event()
        self.gate = threading.Event()
        self.full = False
        self.closed = False

    def commit(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        self.begun.set()
        self.gate.wait(5)
        numbers = [arrival.name.attempt for arrival in arrivals]
        self.commits.append(numbers)
        if self.full:
            raise StorageError("metric-store", "here", "no room", full=True)
        if 13 in numbers:
            raise ZeroDivisionError
        return [Stored(name=arrival.name, cursor=arrival.name.attempt, fresh=True) for arrival in arrivals]

    def compact(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


def an_arrival(number: int, content: bytes = b"") -> LogArrived:
    return LogArrived(name=AttemptName(sweep="s", run="r", attempt=number), offset=0, content=content)


def writing(act: Callable[[Writer, MemoryWrites], Awaitable[None]]) -> tuple[MemoryWrites, list[int]]:
    """Run `act` with a writer; return its store and the notifications of its listeners."""
    store, notified = MemoryWrites(), list[int]()

    async def run() -> None:
        writer = Writer(
            store,
            SystemClock(),
            logging.getLogger("test"),
            lambda stored: notified.extend(each.cursor for each in stored),
        )
        writer.start()
        await act(writer, store)
        store.gate.set()
        await writer.stop(STOPPING)
        await asyncio.sleep(0)

    asyncio.run(run())
    assert store.closed
    return store, notified


def test_arrivals_queued_during_a_commit_share_the_next_one() -> None:
    async def act(writer: Writer, store: MemoryWrites) -> None:
        first = await writer.submit(an_arrival(1))
        await asyncio.to_thread(store.begun.wait, 5)
        others = [await writer.submit(an_arrival(number)) for number in range(2, 10)]
        store.gate.set()
        answers = await asyncio.gather(first, *others)
        assert [answer.cursor for answer in answers] == list(range(1, 10))

    store, notified = writing(act)
    assert store.commits == [[1], list(range(2, 10))]
    assert notified == list(range(1, 10))


def test_a_flood_is_stored_in_parts_and_later_arrivals_share_the_next_commit() -> None:
    quarter = b"x" * (COMMIT_WEIGHT // 4)

    async def act(writer: Writer, store: MemoryWrites) -> None:
        first = await writer.submit(an_arrival(1))
        await asyncio.to_thread(store.begun.wait, 5)
        flood = [await writer.submit(an_arrival(2, quarter)) for _ in range(9)]
        honest = await writer.submit(an_arrival(3))
        store.gate.set()
        await asyncio.gather(first, honest, *flood)

    store, _ = writing(act)
    assert store.commits == [[1], [2, 3, 2, 2, 2], [2, 2, 2, 2], [2]]


def test_a_full_disk_fails_one_commit_and_the_writer_continues() -> None:
    async def act(writer: Writer, store: MemoryWrites) -> None:
        store.gate.set()
        store.full = True
        with pytest.raises(StorageError):
            await (await writer.submit(an_arrival(1)))
        store.full = False
        assert (await (await writer.submit(an_arrival(1)))).cursor == 1

    writing(act)


def test_an_arrival_that_causes_a_defect_in_the_store_fails_alone() -> None:
    async def act(writer: Writer, store: MemoryWrites) -> None:
        first = await writer.submit(an_arrival(1))
        await asyncio.to_thread(store.begun.wait, 5)
        others = [await writer.submit(an_arrival(number)) for number in (12, 13, 14)]
        store.gate.set()
        await first
        outcomes = await asyncio.gather(*others, return_exceptions=True)
        assert [isinstance(outcome, DomainError) for outcome in outcomes] == [False, True, False]

    writing(act)


def test_an_arrival_beyond_the_capacity_of_the_queue_waits() -> None:
    async def act(writer: Writer, store: MemoryWrites) -> None:
        answers = [await writer.submit(an_arrival(1)) for _ in range(MAX_QUEUED)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.submit(an_arrival(2)), 0.05)
        store.gate.set()
        await asyncio.gather(*answers)
        assert (await (await writer.submit(an_arrival(3)))).cursor == 3

    writing(act)


def test_calls_after_the_stop_are_refused() -> None:
    async def run() -> None:
        store = MemoryWrites()
        store.gate.set()
        writer = Writer(store, SystemClock(), logging.getLogger("test"), lambda _: None)
        writer.start()
        await writer.stop(STOPPING)
        with pytest.raises(UnavailableError):
            await writer.submit(an_arrival(1))

    asyncio.run(run())
