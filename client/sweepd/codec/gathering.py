"""Batching of reports or commands into one stream message, because most of its cost is per message."""

from collections.abc import Callable
from typing import TypeVar

from sweepd import v1

M = TypeVar("M", v1.AttachRequest, v1.AttachResponse)

MOST_IN_ONE = 64
ENOUGH_BYTES = 64 * 1024
"""Size at which a message is full; below it, even the largest report keeps the message under 1 MiB."""


def gathered(first: M, following: Callable[[], M | None]) -> M:
    """Return a message with as many of the following messages as are ready and fit.

    Args:
        first: the message to extend.
        following: return the next message, or None if none is ready.
    """
    size = first.ByteSize()
    while size < ENOUGH_BYTES and len(first.more) < MOST_IN_ONE - 1:
        each = following()
        if each is None:
            break
        size += each.ByteSize()
        first.more.append(each)
    return first
