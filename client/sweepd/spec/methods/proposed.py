"""Next point of a sweep, the cursor in the order of its points, and the search for unseen points."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from sweepd.spec.point import Point, point_digest

MISSES_BEFORE_ENUMERATION = 1_000
"""Number of draws without a new point after which a finite space is enumerated."""

MAX_CANDIDATES = 5_000
"""Maximum number of candidates tried in one call, so that it takes a fraction of a second."""

Seen = Collection[bytes]
"""Digests of the points that were handed out."""


class Source(StrEnum):
    """Origin of a point; the values are among those of the provenance of a run."""

    GRID = "grid"
    RANDOM = "random"
    SOBOL = "sobol"
    LIST = "list"
    INITIAL = "initial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Position of a sweep in the order of its points.

    Args:
        initial: number of initial points already processed.
        index: next index in the method's own order: the grid, the draws or the list.
        enumeration_index: next index of the enumeration, which finally replaces the draws; None until then.
    """

    initial: int = 0
    index: int = 0
    enumeration_index: int | None = None

    def at(self, index: int) -> "Cursor":
        """Return the cursor at another index of the method's own order."""
        return Cursor(initial=self.initial, index=index, enumeration_index=self.enumeration_index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A proposed point, its digest, its source, and its index in the order of that source."""

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
    """Result of a search: a search from `at` finds the same point again, one from `after` the next point."""

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
    """Return the first unseen point and its index, or None and the index to continue from.

    Args:
        step: returns the first point from an index on, within a limit of candidates, like `Enumeration.next`.
        start: first index.
        end: index after the last.
        seen: points that were handed out.
        limit: maximum number of candidates.
        source: source of the proposed point.
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
