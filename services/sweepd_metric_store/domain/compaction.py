"""Compaction: decides when small pieces of a series become one chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CLOSED_POINTS = 256
"""A chunk of this many points is final; shorter pieces are the open tail of their series."""
MAX_PIECE_POINTS = 744
"""Longest piece of a batch: joined to the longest open tail it stays below 1,000 points."""
MAX_TAIL_PIECES = 32
"""A tail of more pieces is joined early, so that reading a short series stays cheap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Open tail of a series: the pieces with rows from `first_row` on, too short to be final."""

    first_row: int = 0
    points: int = 0
    pieces: int = 0


NO_TAIL = Tail()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Arrived pieces `start`..`stop` (not included) that become one chunk per type of value.

    With `takes_tail` the stored tail is read back, joined in front of them, and removed. A group that is not
    `closed` belongs to the tail afterwards.
    """

    start: int
    stop: int
    takes_tail: bool
    closed: bool


def plan(tail: Tail, sizes: Sequence[int]) -> list[Group]:
    """Decide how pieces of `sizes` points, in the order of rows, are joined to each other and to `tail`."""
    groups: list[Group] = []
    start, points, behind_tail = 0, tail.points, tail.pieces > 0
    for at, size in enumerate(sizes):
        points += size
        if points >= CLOSED_POINTS:
            groups.append(Group(start=start, stop=at + 1, takes_tail=behind_tail, closed=True))
            start, points, behind_tail = at + 1, 0, False
    if start < len(sizes):
        crowded = behind_tail and tail.pieces + 1 >= MAX_TAIL_PIECES
        groups.append(Group(start=start, stop=len(sizes), takes_tail=crowded, closed=False))
    return groups


def tail_after(tail: Tail, group: Group, stored: Tail) -> Tail:
    """Return the tail once `group` is stored, which became the pieces that `stored` describes."""
    if group.closed:
        return NO_TAIL
    if group.takes_tail or not tail.pieces:
        return stored
    return Tail(
        first_row=tail.first_row,
        points=tail.points + stored.points,
        pieces=tail.pieces + stored.pieces,
    )
