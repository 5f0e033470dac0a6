"""Reads what is stored of a series beside its chunks; where that is damaged, the chunks can still be read."""

from __future__ import annotations

from typing import TypeAlias

from sweepd_metric_store.domain.batch import Kind
from sweepd_metric_store.domain.checksum import intact

FIGURES = "s.id, s.attempt_id, s.key_id, s.points, s.numbers, s.kinds, s.checksum, s.summary"
ONE = f"select {FIGURES} from series s where s.id = ?"  # noqa: S608 (constants)
Figures: TypeAlias = tuple[int, int, int, int, int, int, int, bytes]
"""Columns that `FIGURES` selects."""
UNKNOWN = (0, sum(1 << kind for kind in Kind))
"""No points, so that nothing is thinned by a number that may be wrong, and any types."""


def summary(figures: Figures) -> bytes | None:
    """Return the summary; None if it is damaged."""
    *numbers, stored, body = figures
    return body if intact(stored, body, *numbers) else None


def points_and_kinds(figures: Figures) -> tuple[int, int]:
    """Return how many points there are, and the types of their values as bits."""
    return UNKNOWN if summary(figures) is None else (figures[3], figures[5])
