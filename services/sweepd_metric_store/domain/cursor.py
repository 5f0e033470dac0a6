"""Exactly-once storage from at-least-once delivery: one cursor per attempt, and repeated rows compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import Enum, auto

from sweepd_metric_store.domain.batch import Kind, Stretch, Value


class Standing(Enum):
    """Position of a range relative to a cursor."""

    NEXT = auto()
    """It continues at the cursor; the part at or below the cursor is trimmed."""
    REPEATED = auto()
    """All of it is stored already."""
    GAP = auto()
    """It begins beyond cursor + 1: nothing is stored, and the sender returns to the cursor."""


def standing(cursor: int, first: int, last: int) -> Standing:
    """Return the standing of the rows `first` to `last`, both included and counted from 1."""
    if first > cursor + 1:
        return Standing.GAP
    if last <= cursor:
        return Standing.REPEATED
    return Standing.NEXT


def bytes_standing(cursor: int, offset: int, length: int) -> Standing:
    """Return the standing of `length` bytes from `offset` (counted from 0); `cursor` bytes are stored."""
    return standing(cursor, offset + 1, offset + length)


def differing_row(repeated: Stretch, stored: Iterable[Stretch], *, missing_differs: bool) -> int | None:
    """Return the first row in which a repeated stretch differs from the stored ones; None if none does.

    Only values are compared. A value that is not stored differs only with `missing_differs`: it may be one
    that was left out.
    """
    known: dict[int, tuple[Kind, Value]] = {}
    for each in stored:
        there: Sequence[Value] = each.values
        known |= {row: (each.kind, value) for row, value in zip(each.spine.rows, there, strict=True)}
    again: Sequence[Value] = repeated.values
    for row, value in zip(repeated.spine.rows, again, strict=True):
        if not (_same(repeated.kind, value, *known[row]) if row in known else not missing_differs):
            return row
    return None


def _same(kind: Kind, value: Value, known_kind: Kind, known: Value) -> bool:
    if kind is not known_kind:
        return False
    if isinstance(value, float) and isinstance(known, float) and math.isnan(value):
        return math.isnan(known)
    return value == known
