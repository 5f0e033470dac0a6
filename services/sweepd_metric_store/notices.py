"""Tells those who follow runs that something was stored; what it was they read themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sweepd_kernel.errors import DomainError
from sweepd_metric_store.ports import AttemptName, Stored


class Follower:
    """The attempts that have grown since they were last taken; no larger than their number."""

    def __init__(self, wanted: Callable[[AttemptName], bool]) -> None:
        self._wanted = wanted
        self._grown: set[AttemptName] = set()
        self._some = asyncio.Event()
        self._error: DomainError | None = None

    def note(self, names: Sequence[AttemptName]) -> None:
        """Hear of attempts that have grown."""
        self._grown.update(name for name in names if self._wanted(name))
        if self._grown:
            self._some.set()

    def end(self, error: DomainError) -> None:
        """Let whoever waits, or waits later, be told `error`."""
        self._error = error
        self._some.set()

    async def taken(self) -> set[AttemptName]:
        """Wait until some attempts have grown; return them all.

        Raises:
            DomainError: there will be no more.
        """
        await self._some.wait()
        if self._error is not None:
            raise self._error
        grown, self._grown = self._grown, set()
        self._some.clear()
        return grown


class Notices:
    """Passes on what was committed; lives in the event loop."""

    def __init__(self) -> None:
        self._followers: set[Follower] = set()

    def publish(self, stored: Sequence[Stored]) -> None:
        """Tell all followers what has grown."""
        if self._followers:
            names = list({each.name for each in stored})
            for follower in self._followers:
                follower.note(names)

    def end(self, error: DomainError) -> None:
        """Let all followers be told `error`."""
        for follower in self._followers:
            follower.end(error)

    @contextmanager
    def following(self, wanted: Callable[[AttemptName], bool]) -> Iterator[Follower]:
        """Follow the attempts that are `wanted` until the end of the block."""
        follower = Follower(wanted)
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)
