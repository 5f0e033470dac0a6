"""Streams of answers: in order, with a bounded number of requests under way and messages of bounded size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from sweepd_kernel.errors import DomainError

Request = TypeVar("Request")
Answer = TypeVar("Answer")

WINDOW = 64
"""Requests of one stream under way; beyond, the stream is not read, which pushes the sender back."""
MESSAGE_BYTES = 64 * 1024
"""Approximate size of a message of a long answer: a reader that stalls holds little memory."""
PAUSE_SECONDS = 0.1
"""What is stored within this time reaches a follower in one message."""


class AppendStreams:
    """Open streams of append calls."""

    def __init__(self) -> None:
        self._ends: set[Callable[[DomainError], None]] = set()

    async def answers(
        self, requests: AsyncIterator[Request], submit: Callable[[Request], Awaitable[asyncio.Future[Answer]]]
    ) -> AsyncGenerator[Answer]:
        """Yield the answer to each request, in the order of the requests, while later ones are under way.

        Raises:
            DomainError: a request has failed, or the service ends.
        """
        pipeline = _Pipeline[Answer]()
        reading = asyncio.create_task(pipeline.fill(requests, submit))
        self._ends.add(pipeline.fail)
        try:
            async for answer in pipeline.answers():
                yield answer
        finally:
            self._ends.discard(pipeline.fail)
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    def end(self, error: DomainError) -> None:
        """End all streams with `error`, after the answers that are under way."""
        for end in self._ends:
            end(error)


class _Pipeline(Generic[Answer]):
    """Answers under way, in the order of their requests."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[asyncio.Future[Answer] | None] = asyncio.Queue()
        self._window = asyncio.Semaphore(WINDOW)

    async def fill(
        self, requests: AsyncIterator[Request], submit: Callable[[Request], Awaitable[asyncio.Future[Answer]]]
    ) -> None:
        """Submit requests as they arrive, within the window."""
        try:
            async for request in requests:
                await self._window.acquire()
                self._queue.put_nowait(await submit(request))
        except Exception as error:  # noqa: BLE001 (raised where the answers are taken)
            self.fail(error)
        self._queue.put_nowait(None)

    def fail(self, error: Exception) -> None:
        """Let the answers end with `error`."""
        failed: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        failed.set_exception(error)
        failed.exception()  # or asyncio complains when the stream is gone already
        self._queue.put_nowait(failed)

    async def answers(self) -> AsyncGenerator[Answer]:
        """Yield the answers as they come, in order."""
        while (answer := await self._queue.get()) is not None:
            yield await answer
            self._window.release()


def grouped(items: Sequence[bytes], size: int = MESSAGE_BYTES) -> Iterator[list[bytes]]:
    """Yield `items` in groups of about `size` bytes."""
    group: list[bytes] = []
    held = 0
    for item in items:
        if group and held + len(item) > size:
            yield group
            group, held = [], 0
        group.append(item)
        held += len(item)
    if group:
        yield group
