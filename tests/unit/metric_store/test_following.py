"""Streams answer in order, within a window, and end on request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sweepd_kernel.errors import UnavailableError
from sweepd_metric_store.following import WINDOW, AppendStreams, grouped

STOPPING = UnavailableError("metric-store", "here", "it is stopping")


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


def test_answers_are_sent_in_the_order_of_requests() -> None:
    async def run() -> list[int]:
        waiting: list[asyncio.Future[int]] = []

        async def submit(_number: int) -> asyncio.Future[int]:
            waiting.append(asyncio.get_running_loop().create_future())
            return waiting[-1]

        async def answer() -> None:
            await asyncio.sleep(0)
            for number, future in reversed(list(enumerate(waiting))):
                future.set_result(number)

        answering = asyncio.create_task(answer())
        found = [each async for each in AppendStreams().answers(numbers(5), submit)]
        await answering
        return found

    assert asyncio.run(run()) == list(range(5))


def test_no_more_requests_are_read_than_the_window_allows() -> None:
    async def run() -> int:
        taken = 0

        async def submit(_number: int) -> asyncio.Future[int]:
            nonlocal taken
            taken += 1
            return asyncio.get_running_loop().create_future()

        stream = AppendStreams().answers(numbers(10 * WINDOW), submit)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.05)
        await stream.aclose()
        return taken

    assert asyncio.run(run()) == WINDOW


def test_a_refused_request_ends_the_stream_with_its_error() -> None:
    async def run() -> None:
        async def submit(_number: int) -> asyncio.Future[int]:
            raise STOPPING

        with pytest.raises(UnavailableError):
            await anext(AppendStreams().answers(numbers(1), submit))

    asyncio.run(run())


def test_open_streams_end_when_the_service_stops() -> None:
    async def run() -> None:
        streams = AppendStreams()

        async def silent() -> AsyncIterator[int]:
            await asyncio.Event().wait()
            yield 0

        async def submit(_number: int) -> asyncio.Future[int]:
            raise AssertionError

        async def follow() -> None:
            async for _ in streams.answers(silent(), submit):
                pass

        following = asyncio.create_task(follow())
        await asyncio.sleep(0)
        streams.end(STOPPING)
        with pytest.raises(UnavailableError):
            await asyncio.wait_for(following, 1)

    asyncio.run(run())


def test_groups_have_about_the_requested_size_and_lose_nothing() -> None:
    items = [b"x" * size for size in (1, 5, 20, 3, 3, 3)]
    assert list(grouped(items, 10)) == [items[:2], items[2:3], items[3:]]
    assert list(grouped([], 10)) == []
