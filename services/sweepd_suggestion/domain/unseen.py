"""A point that was not handed out yet, where there is one: by (seed, index) alone."""

from collections.abc import Collection

from sweepd.spec import Point, SearchSpace, point_digest
from sweepd.spec.space.draw import draw
from sweepd_suggestion.domain.design import feasible_draws

_DRAWS = 32
_STEP = 1_000
_MOST_STEPS = 5
"""Steps without a point after which a walk gives up: with few points among many, it would be long."""


def unseen_point(space: SearchSpace, seed: int, index: int, seen: Collection[bytes]) -> Point | None:
    """Return a random point that is not among `seen`; None if a finite space has no other, or none is found.

    Draws follow the distributions. Where they keep hitting what is known, the walk through the finite space
    from a random place finds what is left.
    """
    first: Point | None = None
    for point in feasible_draws(space, seed, range(index * _DRAWS, (index + 1) * _DRAWS)):
        if point_digest(point) not in seen:
            return point
        first = first or point
    end = space.finite_combinations
    if end is None:  # all draws alike: as good as finite, and what it has may be tried again
        return first
    start = int(draw(seed, index, ("unseen",)) * end)
    return _walked(space, start, end, seen) or _walked(space, 0, start, seen)


def _walked(space: SearchSpace, start: int, end: int, seen: Collection[bytes]) -> Point | None:
    """Return the first unseen point of the finite space from `start` on, before `end`."""
    steps = 0
    while start < end and steps < _MOST_STEPS:
        start, point = space.next_finite_combination(start, _STEP)
        if point is None:
            steps += 1
        elif start < end:
            if point_digest(point) not in seen:
                return point
            start += 1
    return None
