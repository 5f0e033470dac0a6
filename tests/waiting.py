"""Waits for a condition, instead of a fixed time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

PATIENCE = 30.0
_LOOK_EVERY = 0.02
_SHARE = 3
"""A look that takes long, as a command does, is followed by a pause of so many times that."""
_TRIES = 3


def until(true: Callable[[], object], *, within: float = PATIENCE, what: str = "") -> None:
    """Return once `true` returns true; the test fails if it does not within so many seconds."""
    looked_at = time.monotonic()
    deadline = looked_at + within
    while not true():
        now = time.monotonic()
        if now >= deadline:  # it may have come true in time, while this process paused
            assert true(), f"not within {within:g} s: {what or 'what was waited for'}"
            return
        time.sleep(max(_LOOK_EVERY, min(_SHARE * (now - looked_at), deadline - now)))
        looked_at = time.monotonic()


def written(path: Path, *, within: float = PATIENCE, what: str = "") -> str:
    """Return what another process writes into a file at one go: the file is there before its content is."""
    until(
        lambda: path.exists() and path.stat().st_size, within=within, what=what or f"{path.name} is written"
    )
    return path.read_text()


def least(seconds: Callable[[], float], *, wanted: float) -> float:
    """Return what something takes: as soon as that is below what is wanted, else the least of three tries.

    A machine that pauses for a second is slow in one of them, a defect in all.
    """
    found = seconds()
    for _ in range(_TRIES - 1):
        if found >= wanted:
            found = min(found, seconds())
    return found


async def least_async(seconds: Callable[[], Awaitable[float]], *, wanted: float) -> float:
    """Do the same as `least`, without blocking the event loop."""
    found = await seconds()
    for _ in range(_TRIES - 1):
        if found >= wanted:
            found = min(found, await seconds())
    return found


async def until_async(true: Callable[[], Awaitable[object]], *, within: float = PATIENCE) -> None:
    """Do the same as `until`, without blocking the event loop."""
    async with asyncio.timeout(within):
        while not await true():  # noqa: ASYNC110 (what is asked is in another process)
            await asyncio.sleep(_LOOK_EVERY)
