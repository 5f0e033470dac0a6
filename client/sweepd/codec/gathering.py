"""Several reports or commands in one message of an agent's stream: little of its cost is what is in it."""

from collections.abc import Callable
from typing import TypeVar

from sweepd import v1

M = TypeVar("M", v1.AttachRequest, v1.AttachResponse)

MOST_IN_ONE = 64
ENOUGH_BYTES = 64 * 1024
"""Nothing is added to a message of this size: with the largest report after less it still has under 1 MiB."""


def gathered(first: M, following: Callable[[], M | None]) -> M:
    """Return a message with what follows it at the moment, as much as fits.

    Args:
        first: the message; it is added to.
        following: returns the next one, None while there is none.
    """
    size = first.ByteSize()
    while size < ENOUGH_BYTES and len(first.more) < MOST_IN_ONE - 1:
        each = following()
        if each is None:
            break
        size += each.ByteSize()
        first.more.append(each)
    return first
