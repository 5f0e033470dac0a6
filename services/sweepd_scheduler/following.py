"""What one reader of `WatchSweep` gets: a snapshot or what it has missed, then every change."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from sweepd_scheduler.ports import Changed
from sweepd_scheduler.reading import Reading
from sweepd_scheduler.watch import Follower, SlowReaderError

RUNS_A_MESSAGE = 500
MAX_MISSED_RUNS = 2_000
STALLED_AFTER = 30.0
T = TypeVar("T")


async def follow(
    follower: Follower, reading: Reading, resume_token: str
) -> AsyncIterator[tuple[Changed, bool]]:
    """Return the parts in order, each with whether more of a snapshot follows.

    Args:
        follower: follows the sweep already, so that nothing is missed while the database is read.
        reading: reads the database.
        resume_token: from the last message received; an unknown one starts with a snapshot.

    Raises:
        SlowReaderError: the reader cannot follow.
    """
    missed = await _missed(follower, reading, resume_token)
    if missed is not None:
        follower.floor = max(missed.number, int(resume_token))
        if missed.number > int(resume_token):
            yield missed, False
    else:
        async for part, continues in _snapshot(follower, reading):
            yield part, continues
    async for changed in follower.changes():
        yield changed, False


async def send(write: Callable[[T], Awaitable[None]], message: T) -> None:
    """Write one message to a reader.

    Raises:
        SlowReaderError: the reader takes nothing any more.
    """
    try:
        async with asyncio.timeout(STALLED_AFTER):
            await write(message)
    except TimeoutError:
        raise SlowReaderError from None


async def _missed(follower: Follower, reading: Reading, resume_token: str) -> Changed | None:
    if not resume_token.isascii() or not resume_token.isdigit() or len(resume_token) > 18:
        return None
    records = reading.records
    return await reading(records.changed_since, follower.sweep_key, int(resume_token), MAX_MISSED_RUNS)


async def _snapshot(follower: Follower, reading: Reading) -> AsyncIterator[tuple[Changed, bool]]:
    """Return all runs in parts; what changes meanwhile comes after, as the first part's number counts."""
    after = 0
    while True:
        part = await reading(reading.records.snapshot, follower.sweep_key, after, RUNS_A_MESSAGE)
        if after == 0:
            follower.floor = part.number
        sweep = part.sweep if after == 0 else None
        yield Changed(sweep=sweep, runs=part.runs, number=0 if part.more else follower.floor), part.more
        if not part.more:
            return
        after = part.runs[-1].number
