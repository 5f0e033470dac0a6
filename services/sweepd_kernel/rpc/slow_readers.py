"""Writing to streams; a stream whose reader has stalled ends with an error."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sweepd_kernel.errors import DomainError, Reason, Status

STALL_SECONDS = 30.0
"""Maximum seconds that a write may wait for its reader."""
T = TypeVar("T")


class SlowReaderError(DomainError, status=Status.RESOURCE_EXHAUSTED, reason=Reason.SLOW_READER):
    """The reader of a stream does not keep up, or has stalled."""


async def send(write: Callable[[T], Awaitable[None]], message: T, complaint: str) -> None:
    """Write one message to a reader.

    Raises:
        SlowReaderError: the reader has stalled; `complaint` is the message of the error.
    """
    try:
        # Not `wait_for`, which loses a cancellation that arrives as the write ends (CPython 3.11).
        async with asyncio.timeout(STALL_SECONDS):
            await write(message)
    except TimeoutError:
        raise SlowReaderError(complaint) from None
