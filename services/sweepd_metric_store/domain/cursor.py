"""How at-least-once delivery becomes exactly-once storage: one cursor an attempt."""

from __future__ import annotations

from enum import Enum, auto


class Standing(Enum):
    """Where a range stands to a cursor."""

    NEXT = auto()
    """It brings something new and leaves no gap; what is at or below the cursor is trimmed."""
    REPEATED = auto()
    """All of it is there already."""
    GAP = auto()
    """It begins beyond cursor + 1: nothing is stored, the sender goes back to the cursor."""


def standing(cursor: int, first: int, last: int) -> Standing:
    """Tell how the range `first`..`last`, both included and counted from 1, stands to `cursor`."""
    if first > cursor + 1:
        return Standing.GAP
    if last <= cursor:
        return Standing.REPEATED
    return Standing.NEXT


def bytes_standing(cursor: int, offset: int, length: int) -> Standing:
    """Tell the same of `length` bytes from `offset` (counted from 0); `cursor` bytes are there."""
    return standing(cursor, offset + 1, offset + length)
