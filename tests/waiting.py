"""Waits for what is to happen, instead of for as long as it usually takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE = 30.0
_LOOK_EVERY = 0.02


def until(true: Callable[[], object], *, within: float = PATIENCE, what: str = "") -> None:
    """Return once `true` says so; the test fails if it does not within so many seconds."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, f"not within {within:g} s: {what or 'what was waited for'}"
        time.sleep(_LOOK_EVERY)


async def until_told(true: Callable[[], Awaitable[object]], *, within: float = PATIENCE) -> None:
    """Do the same while the event loop goes on."""
    async with asyncio.timeout(within):
        while not await true():  # noqa: ASYNC110 (what is asked is in another process)
            await asyncio.sleep(_LOOK_EVERY)
