"""Blocking access to the asynchronous client, so that tests can use both clients alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

from sweepd import AsyncClient, AsyncStoredRun, AsyncSweep
from sweepd.objects.async_sweep import AsyncChange

_ASYNCHRONOUS = (AsyncClient, AsyncSweep, AsyncStoredRun, AsyncChange)


class Awaited:
    """Asynchronous object whose calls are awaited on the event loop of the test."""

    def __init__(self, inner: object, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = inner
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return self._settled(found)
        return lambda *args, **kwargs: self._settled(found(*args, **kwargs))

    def __eq__(self, other: object) -> bool:
        return self._inner == (other._inner if isinstance(other, Awaited) else other)

    def __hash__(self) -> int:
        return hash(self._inner)

    def __repr__(self) -> str:
        return repr(self._inner).replace("<Async", "<")

    def _settled(self, answer: object) -> object:
        if isinstance(answer, Coroutine):
            return self._settled(self._loop.run_until_complete(answer))
        if isinstance(answer, AsyncIterator):
            return self._each(answer)
        if isinstance(answer, list):
            return [self._settled(item) for item in answer]
        return Awaited(answer, self._loop) if isinstance(answer, _ASYNCHRONOUS) else answer

    def _each(self, answers: AsyncIterator[object]) -> Iterator[object]:
        async def following() -> object:
            return await anext(answers)

        while True:
            try:
                yield self._settled(self._loop.run_until_complete(following()))
            except StopAsyncIteration:
                return
