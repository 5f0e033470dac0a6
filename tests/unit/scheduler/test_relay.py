"""What is handed on to the metric store: bounded in memory, asked for again from the right place."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import cast

import grpc.aio
import pytest

from sweepd_kernel.clock import SystemClock
from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.relay import PARCEL_OVERHEAD, Answer, Parcel, Relay

REF = AttemptRef(1, 1)
Call = grpc.aio.StreamStreamCall[str, int]


class Stream:
    """A stream to the store: answers each request once, unasked before the first, or never."""

    def __init__(self, *, answers: bool = False, unasked: bool = False) -> None:
        self.written: list[str] = []
        self._answers = answers
        self._said: asyncio.Queue[int] = asyncio.Queue()
        if unasked:
            self._said.put_nowait(0)

    async def __aiter__(self) -> AsyncIterator[int]:
        while True:
            yield await self._said.get()

    async def write(self, request: str) -> None:
        self.written.append(request)
        if self._answers:
            self._said.put_nowait(len(self.written))

    def cancel(self) -> None:
        """Nothing is held."""


def a_relay(acknowledged: list[tuple[str, int]], opens: Callable[[], Stream], limit: int) -> Relay[str, int]:
    return Relay(
        "points",
        lambda: cast("Call", opens()),
        lambda answer: Answer(cursor=answer),
        lambda session, _ref, cursor: acknowledged.append((session, cursor)),
        limit=limit,
        clock=SystemClock(),
        log=logging.getLogger("test.relay"),
    )


def parcel(run: str, start: int, *, size: int = 1) -> Parcel[str]:
    return Parcel(name=(run, 1), request=f"{run}:{start}", size=size, start=start, end=start + 1)


async def runs(relay: Relay[str, int], until: Callable[[], object]) -> None:
    running = asyncio.create_task(relay.run())
    for _ in range(500):
        await asyncio.sleep(0.01)
        if until():
            break
    running.cancel()
    await asyncio.wait([running])


def test_what_did_not_fit_is_asked_for_from_where_the_agent_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweepd_scheduler.relay.REMIND_AFTER", 0.01)
    acknowledged: list[tuple[str, int]] = []
    relay = a_relay(acknowledged, Stream, limit=2 * PARCEL_OVERHEAD + 2)
    relay.offer("s", REF, parcel("one", 0))
    relay.offer("s", REF, parcel("two", 500, size=PARCEL_OVERHEAD))
    asyncio.run(runs(relay, lambda: acknowledged))
    assert set(acknowledged) == {("s", 500)}


def test_one_attempt_that_floods_leaves_room_for_others() -> None:
    stream = Stream()
    relay = a_relay([], lambda: stream, limit=16 * PARCEL_OVERHEAD)
    for start in range(100):
        relay.offer("s", REF, parcel("flood", start, size=0))
    relay.offer("t", REF, parcel("honest", 0, size=0))
    asyncio.run(runs(relay, lambda: "honest:0" in stream.written))
    assert stream.written == ["flood:0", "flood:1", "honest:0"]


def test_what_was_stored_makes_room_for_more_of_its_attempt() -> None:
    stream = Stream(answers=True)
    acknowledged: list[tuple[str, int]] = []
    relay = a_relay(acknowledged, lambda: stream, limit=8 * PARCEL_OVERHEAD)

    async def main() -> None:
        for start in range(3):
            relay.offer("s", REF, parcel("one", start, size=0))
            await runs(relay, lambda start=start: len(acknowledged) > start)  # type: ignore[misc]

    asyncio.run(main())
    assert stream.written == ["one:0", "one:1", "one:2"]


def test_many_small_requests_are_left_to_the_agents_as_few_large_ones_are() -> None:
    stream = Stream()
    relay = a_relay([], lambda: stream, limit=10 * PARCEL_OVERHEAD)
    for number in range(1_000):
        relay.offer("s", REF, parcel(f"run-{number}", 0))
    asyncio.run(runs(relay, lambda: len(stream.written) >= 9))
    assert len(stream.written) == 9


def test_an_answer_that_nobody_asked_for_costs_one_stream() -> None:
    acknowledged: list[tuple[str, int]] = []
    streams = iter([Stream(unasked=True), Stream(answers=True)])
    relay = a_relay(acknowledged, lambda: next(streams), limit=10 * PARCEL_OVERHEAD)
    relay.offer("s", REF, parcel("one", 0))
    asyncio.run(runs(relay, lambda: acknowledged))
    assert acknowledged == [("s", 1)]


def test_what_is_refused_is_told_once_and_stays_with_the_agent(caplog: pytest.LogCaptureFixture) -> None:
    stream = Stream(answers=True)
    acknowledged: list[tuple[str, int]] = []
    relay = Relay(
        "points",
        lambda: cast("Call", stream),
        lambda answer: Answer(cursor=7, rejection="other values" if answer < 3 else "", refused=answer < 3),
        lambda session, _ref, cursor: acknowledged.append((session, cursor)),
        limit=8 * PARCEL_OVERHEAD,
        clock=SystemClock(),
        log=logging.getLogger("test.relay"),
    )

    async def main() -> None:
        for start in range(3):
            relay.offer("s", REF, parcel("one", start, size=0))
            await runs(relay, lambda start=start: len(stream.written) > start)  # type: ignore[misc]
        await runs(relay, lambda: acknowledged)

    asyncio.run(main())
    assert acknowledged == [("s", 7)]
    assert len([each for each in caplog.records if "other values" in each.getMessage()]) == 1
