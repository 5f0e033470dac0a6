"""The first points of a search: spread evenly, by (seed, index) where no constraint is in the way.

Maximin Latin hypercubes: McKay, Beckman, Conover (1979), Technometrics 21, 239-245; Johnson, Moore, Ylvisaker
(1990), J. Statistical Planning and Inference 26, 131-148.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations

from sweepd.spec.parameter import Path
from sweepd.spec.point import InfeasibleError, Point
from sweepd.spec.space.sampling import draw
from sweepd.spec.space.search_space import SearchSpace

_TRIES = 24
_LEAST, _MOST = 4, 12
_SUBSTITUTES = 6
_MOST_MISSES = 4
"""Each takes thousands of draws."""


def design_size(dimensions: int, most_points: int | None) -> int:
    """Return how many points a search starts with: two a dimension, within bounds and a third of all."""
    size = min(max(2 * dimensions, _LEAST), _MOST)
    return size if most_points is None else max(2, min(size, most_points // 3))


def design_point(space: SearchSpace, seed: int, index: int, size: int, others: Sequence[Point]) -> Point:
    """Return point `index` of the design, or a substitute where that breaks a constraint.

    The substitute is the one of a few random points that is farthest from all `others`.

    Raises:
        InfeasibleError: draws find no point that satisfies the constraints.
    """
    point = space.from_unit(design_vector(space, seed, index, size))
    if space.feasible(point):
        return point
    draws = list(feasible_draws(space, seed, range(_SUBSTITUTES * index, _SUBSTITUTES * (index + 1))))
    if not draws:
        raise InfeasibleError("no draw satisfies the constraints")
    placed = [space.to_unit(other) for other in others]
    return max(draws, key=lambda one: min((_distance(space.to_unit(one), p) for p in placed), default=0.0))


def feasible_draws(space: SearchSpace, seed: int, indices: Iterable[int]) -> Iterator[Point]:
    """Return the random points of some indices, as far as draws find any that satisfy the constraints."""
    misses = 0
    for index in indices:
        try:
            yield space.random_point(seed, index)
        except InfeasibleError:
            misses += 1
            if misses == _MOST_MISSES:
                return


def design_vector(space: SearchSpace, seed: int, index: int, size: int) -> tuple[float, ...]:
    """Return the unit coordinates of point `index`: each `size` points in turn are one Latin hypercube."""
    block, place = divmod(index, size)
    names = tuple(dimension.path for dimension in space.dimensions)
    return _hypercube(seed, block, size, names)[place]


@lru_cache(maxsize=64)
def _hypercube(seed: int, block: int, size: int, names: tuple[Path, ...]) -> tuple[tuple[float, ...], ...]:
    # Comparing all pairs of points in many dimensions would take longer than it gains.
    tries = _TRIES if len(names) <= 32 else 1
    candidates = (
        _candidate(seed, (block * _TRIES + attempt) * size, size, names) for attempt in range(tries)
    )
    return max(candidates, key=_least_distance)


def _candidate(seed: int, offset: int, size: int, names: tuple[Path, ...]) -> tuple[tuple[float, ...], ...]:
    columns = []
    for name in names:
        order = sorted(range(size), key=lambda k: draw(seed, offset + k, ("design-order", *name)))
        columns.append([(order[k] + draw(seed, offset + k, ("design", *name))) / size for k in range(size)])
    return tuple(zip(*columns, strict=True))


def _least_distance(points: tuple[tuple[float, ...], ...]) -> float:
    pairs = combinations(points, 2)
    return min((sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) for p, q in pairs), default=0.0)


def _distance(left: tuple[float | None, ...], right: tuple[float | None, ...]) -> float:
    """Return the squared distance of two points; a parameter that only one of them has counts as far."""
    return sum(
        (a - b) ** 2 if a is not None and b is not None else float(a is not b)
        for a, b in zip(left, right, strict=True)
    )
