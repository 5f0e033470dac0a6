"""Forwarding to the metric store: memory is bounded, and dropped data is requested again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import cast

import grpc.aio
import pytest

from sweepd import v1
from sweepd_kernel.clock import SystemClock
from sweepd_scheduler.agents.forwarder import REQUEST_OVERHEAD, Forwarder, LaneLimits
from sweepd_scheduler.domain.agents.agent import AttemptRef

REF = AttemptRef(1, 1)
Call = grpc.aio.StreamStreamCall[v1.AppendRequest, v1.AppendResponse]


def stored(count: int) -> v1.AppendResponse:
    return v1.AppendResponse(cursor=count)


class Stream:
    """A stream to the store that answers each request once, before the first request, or never."""

    def __init__(
        self, answer: Callable[[int], v1.AppendResponse] | None = None, *, unasked: bool = False
    ) -> None:
        self.written: list[str] = []
        self._answer = answer
        self._answers: asyncio.Queue[v1.AppendResponse] = asyncio.Queue()
        if unasked:
            self._answers.put_nowait(stored(0))

    async def __aiter__(self) -> AsyncIterator[v1.AppendResponse]:
        while True:
            yield await self._answers.get()

    async def write(self, request: v1.AppendRequest) -> None:
        self.written.append(f"{request.run}:{request.start}")
        if self._answer is not None:
            self._answers.put_nowait(self._answer(len(self.written)))

    def cancel(self) -> None:
        """Do nothing."""


def a_forwarder(acknowledged: list[tuple[str, int]], opens: Callable[[], Stream], held: int) -> Forwarder:
    return Forwarder(
        lambda: cast("Call", opens()),
        lambda session, _ref, cursor: acknowledged.append((session, cursor)),
        LaneLimits(name="points", window=0, held=held),
        SystemClock(),
        logging.getLogger("test.forwarder"),
    )


def request(run: str, start: int, *, size: int = 1) -> v1.AppendRequest:
    return v1.AppendRequest(run=run, attempt=1, start=start, end=start + 1, body=b"x" * size)


async def runs(forwarder: Forwarder, until: Callable[[], object]) -> None:
    running = asyncio.create_task(forwarder.run())
    for _ in range(500):
        await asyncio.sleep(0.01)
        if until():
            break
    running.cancel()
    await asyncio.wait([running])


def test_data_that_did_not_fit_is_requested_again_from_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweepd_scheduler.agents.forwarder.RESEND_INTERVAL", 0.01)
    acknowledged: list[tuple[str, int]] = []
    forwarder = a_forwarder(acknowledged, Stream, held=2 * REQUEST_OVERHEAD + 2)
    forwarder.offer("s", REF, request("one", 0))
    forwarder.offer("s", REF, request("two", 500, size=REQUEST_OVERHEAD))
    asyncio.run(runs(forwarder, lambda: acknowledged))
    assert set(acknowledged) == {("s", 500)}


def test_a_flooding_attempt_leaves_room_for_others() -> None:
    stream = Stream()
    forwarder = a_forwarder([], lambda: stream, held=16 * REQUEST_OVERHEAD)
    for start in range(100):
        forwarder.offer("s", REF, request("flood", start, size=0))
    forwarder.offer("t", REF, request("honest", 0, size=0))
    asyncio.run(runs(forwarder, lambda: "honest:0" in stream.written))
    assert stream.written == ["flood:0", "flood:1", "honest:0"]


def test_stored_data_makes_room_for_more_of_its_attempt() -> None:
    stream = Stream(stored)
    acknowledged: list[tuple[str, int]] = []
    forwarder = a_forwarder(acknowledged, lambda: stream, held=8 * REQUEST_OVERHEAD)

    async def main() -> None:
        for start in range(3):
            forwarder.offer("s", REF, request("one", start, size=0))
            await runs(forwarder, lambda start=start: len(acknowledged) > start)  # type: ignore[misc]

    asyncio.run(main())
    assert stream.written == ["one:0", "one:1", "one:2"]


def test_many_small_requests_are_bounded_like_few_large_ones() -> None:
    stream = Stream()
    forwarder = a_forwarder([], lambda: stream, held=10 * REQUEST_OVERHEAD)
    for number in range(1_000):
        forwarder.offer("s", REF, request(f"run-{number}", 0))
    asyncio.run(runs(forwarder, lambda: len(stream.written) >= 9))
    assert len(stream.written) == 9


def test_an_unexpected_answer_ends_only_that_stream() -> None:
    acknowledged: list[tuple[str, int]] = []
    streams = iter([Stream(unasked=True), Stream(stored)])
    forwarder = a_forwarder(acknowledged, lambda: next(streams), held=10 * REQUEST_OVERHEAD)
    forwarder.offer("s", REF, request("one", 0))
    asyncio.run(runs(forwarder, lambda: acknowledged))
    assert acknowledged == [("s", 1)]


def test_a_refused_request_is_logged_once_and_not_acknowledged(caplog: pytest.LogCaptureFixture) -> None:
    def answer(count: int) -> v1.AppendResponse:
        refused = count < 3
        return v1.AppendResponse(cursor=7, rejection="other values" if refused else "", refused=refused)

    stream = Stream(answer)
    acknowledged: list[tuple[str, int]] = []
    forwarder = a_forwarder(acknowledged, lambda: stream, held=8 * REQUEST_OVERHEAD)

    async def main() -> None:
        for start in range(3):
            forwarder.offer("s", REF, request("one", start, size=0))
            await runs(forwarder, lambda start=start: len(stream.written) > start)  # type: ignore[misc]
        await runs(forwarder, lambda: acknowledged)

    asyncio.run(main())
    assert acknowledged == [("s", 7)]
    assert len([each for each in caplog.records if "other values" in each.getMessage()]) == 1


def test_an_ended_session_receives_no_acknowledgements() -> None:
    acknowledged: list[tuple[str, int]] = []
    stream = Stream(stored)
    forwarder = a_forwarder(acknowledged, lambda: stream, held=8 * REQUEST_OVERHEAD)
    forwarder.offer("s", REF, request("one", 0))
    forwarder.forget("s")
    forwarder.offer("t", REF, request("two", 0))
    asyncio.run(runs(forwarder, lambda: acknowledged))
    assert stream.written == ["one:0", "two:0"]
    assert {session for session, _ in acknowledged} == {"t"}
