"""Waits for conditions instead of fixed times."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

PATIENCE = 30.0
_POLL_INTERVAL = 0.02
_PAUSE_FACTOR = 3
"""Pause after a check, as a multiple of the time that the check took: a check may run a command."""
_TRIES = 3


def until(true: Callable[[], object], *, within: float = PATIENCE, what: str = "") -> None:
    """Poll `true` until it returns a true value; fail the test if that takes more than `within` seconds."""
    checked_at = time.monotonic()
    deadline = checked_at + within
    while not true():
        now = time.monotonic()
        if now >= deadline:  # check once more: this process may have been suspended
            assert true(), f"not within {within:g} s: {what or 'the condition is true'}"
            return
        time.sleep(max(_POLL_INTERVAL, min(_PAUSE_FACTOR * (now - checked_at), deadline - now)))
        checked_at = time.monotonic()


def content_of(path: Path, *, within: float = PATIENCE, what: str = "") -> str:
    """Wait for a file that another process writes in one write; return its content, which is not empty."""
    until(
        lambda: path.exists() and path.stat().st_size, within=within, what=what or f"{path.name} is written"
    )
    return path.read_text()


def least(seconds: Callable[[], float], *, wanted: float) -> float:
    """Measure a duration up to three times, until one is below `wanted`; return the least.

    A pause of the machine slows down one measurement, a defect slows down all.
    """
    best = seconds()
    for _ in range(_TRIES - 1):
        if best >= wanted:
            best = min(best, seconds())
    return best


async def least_async(seconds: Callable[[], Awaitable[float]], *, wanted: float) -> float:
    """Measure as `least` does, without blocking the event loop."""
    best = await seconds()
    for _ in range(_TRIES - 1):
        if best >= wanted:
            best = min(best, await seconds())
    return best


async def until_async(true: Callable[[], Awaitable[object]], *, within: float = PATIENCE) -> None:
    """Poll as `until` does, without blocking the event loop."""
    async with asyncio.timeout(within):
        while not await true():  # noqa: ASYNC110 (the condition depends on another process)
            await asyncio.sleep(_POLL_INTERVAL)
