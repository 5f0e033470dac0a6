"""Rows and bytes that come again, held against those that are stored: sent twice, or of somebody else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from sweepd_metric_store.domain.batch import Kind, Stretch, Value


def differing_row(repeated: Stretch, stored: Iterable[Stretch], *, missing_differs: bool) -> int | None:
    """Return the first row in which a stretch differs from what is stored of its key; None if none does.

    Only values are compared. A value that is not stored differs only with `missing_differs`: it may be one
    that could not be stored.
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
