"""Revocations of tokens, sent to every gateway on a stream of its own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from sweepd_kernel.errors import DomainError
from sweepd_scheduler.reads.watch import SlowReaderError, StoppingError

SIGN_OF_LIFE = 5.0
MOST_WAITING = 20_000


class Revocations:
    """Followers of revocations."""

    def __init__(self) -> None:
        self._followers: set[_Follower] = set()
        self._stopping = False

    def publish(self, token: str) -> None:
        """Send the id of a token to every follower."""
        for follower in self._followers:
            follower.add(token)

    def end(self) -> None:
        """End every stream: the scheduler is stopping."""
        self._stopping = True
        for follower in self._followers:
            follower.end(StoppingError())

    async def follow(self) -> AsyncGenerator[list[str]]:
        """Yield the ids revoked from now on; the first answer and signs of life are empty.

        Raises:
            DomainError: the scheduler stops, or the follower does not take its messages.
        """
        follower = _Follower()
        self._followers.add(follower)
        try:
            if self._stopping:
                raise StoppingError
            yield []
            while True:
                yield await follower.news()
        finally:
            self._followers.discard(follower)


class _Follower:
    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._news = asyncio.Event()
        self._error: DomainError | None = None

    def add(self, token: str) -> None:
        self._waiting.append(token)
        if len(self._waiting) > MOST_WAITING:
            self.end(SlowReaderError())
        self._news.set()

    def end(self, error: DomainError) -> None:
        self._error = error
        self._news.set()

    async def news(self) -> list[str]:
        with suppress(TimeoutError):
            async with asyncio.timeout(SIGN_OF_LIFE):
                await self._news.wait()
        self._news.clear()
        if self._error is not None:
            raise self._error
        taken, self._waiting = self._waiting, []
        return taken
