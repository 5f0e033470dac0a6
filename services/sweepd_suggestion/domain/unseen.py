"""A point that was not handed out yet, where there is one: by (seed, index) alone."""

from collections.abc import Container

from sweepd.spec import Point, SearchSpace, point_digest
from sweepd.spec.draw import draw

_DRAWS = 32


def unseen_point(space: SearchSpace, seed: int, index: int, seen: Container[bytes]) -> Point | None:
    """Return a random point that is not among `seen`; None if a finite space has no other.

    Draws follow the distributions. Where they keep hitting what is known, the walk through the finite space
    from a random place finds what is left.
    """
    for attempt in range(_DRAWS):
        point = space.random_point(seed, index * _DRAWS + attempt)
        if point_digest(point) not in seen:
            return point
    if space.size is None:  # all draws alike: as good as finite, and what it has may be tried again
        return space.random_point(seed, index * _DRAWS)
    start = int(draw(seed, index, ("unseen",)) * space.size)
    for step in range(space.size):
        point = space.finite_point((start + step) % space.size)
        if point_digest(point) not in seen:
            return point
    return None
