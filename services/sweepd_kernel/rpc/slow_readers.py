"""Writes to readers of streams, which end the stream of a reader that takes no messages."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sweepd_kernel.errors import DomainError, Reason, Status

STALL_SECONDS = 30.0
"""Seconds without a message taken after which the stream of a reader is ended."""
T = TypeVar("T")


class SlowReaderError(DomainError, status=Status.RESOURCE_EXHAUSTED, reason=Reason.SLOW_READER):
    """The reader of a stream does not keep up, or has stalled."""


async def send(write: Callable[[T], Awaitable[None]], message: T, complaint: str) -> None:
    """Write one message to a reader.

    Raises:
        SlowReaderError: the reader has stalled; its message is `complaint`.
    """
    try:
        # Not `wait_for`, which loses a cancellation that arrives as the write ends (CPython 3.11).
        async with asyncio.timeout(STALL_SECONDS):
            await write(message)
    except TimeoutError:
        raise SlowReaderError(complaint) from None
