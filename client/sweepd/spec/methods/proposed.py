"""A point that comes next, how far a sweep has got, and going through an order past what was handed out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sweepd.spec.point import Point, point_digest

MISSES_BEFORE_LISTING = 1_000
"""Draws of points that were handed out before, after which a finite space is gone through in order."""

MOST_CANDIDATES = 5_000
"""Candidates that one call looks at, so that none takes longer than a fraction of a second."""

Seen = Mapping[bytes, int]
"""Number of times that each point was handed out, by its digest."""


class Source(StrEnum):
    """Origin of a point; some of the words of a run's provenance."""

    GRID = "grid"
    RANDOM = "random"
    SOBOL = "sobol"
    LIST = "list"
    INITIAL = "initial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Position of a sweep in the order of its points.

    Args:
        initial: how many of the initial points are done with.
        index: next place of the method's own order: in the grid, in the draws, in the list.
        enumeration_index: next point of a finite space once draws find hardly anything new; else None.
    """

    initial: int = 0
    index: int = 0
    enumeration_index: int | None = None

    def at(self, index: int) -> "Cursor":
        """Return the cursor at another place of the method's own order."""
        return Cursor(initial=self.initial, index=index, enumeration_index=self.enumeration_index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A point that comes next, its digest, and its place in the order that it comes from."""

    point: Point
    digest: bytes
    source: Source
    index: int

    @classmethod
    def of(cls, point: Point, source: Source, index: int) -> "Proposed":
        """Return a point with its digest."""
        return cls(point=point, digest=point_digest(point), source=source, index=index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Result of a search: from `at` it finds the same again, from `after` it continues."""

    at: Cursor
    after: Cursor
    proposed: Proposed | None = None
    done: bool = False


def next_unseen(
    step: Callable[[int, int], tuple[int, Point | None]],
    start: int,
    end: int,
    seen: Seen,
    limit: int,
    source: Source,
) -> tuple[int, Proposed | None]:
    """Return the place of the first point that was not handed out; without one, the place to continue from.

    Args:
        step: given a place and a number of candidates, the first point from there on, as `next_combination`.
        start: where to begin.
        end: where the order ends.
        seen: what was handed out.
        limit: candidates to look at.
        source: what the point is to have as its source.
    """
    left = limit
    while start < end and left > 0:
        place, point = step(start, left)
        if point is None:
            return place, None
        proposed = Proposed.of(point, source, place)
        if proposed.digest not in seen:
            return place, proposed
        start, left = place + 1, left - (place - start + 1)
    return start, None
