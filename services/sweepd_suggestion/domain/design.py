"""The first points of a search: spread evenly, by (seed, index) alone.

Maximin Latin hypercubes: McKay, Beckman, Conover (1979), Technometrics 21, 239-245; Johnson, Moore, Ylvisaker
(1990), J. Statistical Planning and Inference 26, 131-148.
"""

from functools import lru_cache
from itertools import combinations

from sweepd.spec import SearchSpace
from sweepd.spec.draw import draw

_TRIES = 24
_LEAST, _MOST = 4, 12


def design_size(dimensions: int, run_cap: int | None) -> int:
    """Return how many points a search starts with: two a dimension, within bounds and a third of the cap."""
    size = min(max(2 * dimensions, _LEAST), _MOST)
    return size if run_cap is None else max(2, min(size, run_cap // 3))


def design_vector(space: SearchSpace, seed: int, index: int, size: int) -> tuple[float, ...]:
    """Return the unit coordinates of point `index`: each `size` points in turn are one Latin hypercube."""
    block, place = divmod(index, size)
    names = tuple(dimension.path for dimension in space.dimensions)
    return _hypercube(seed, block, size, names)[place]


@lru_cache(maxsize=64)
def _hypercube(
    seed: int, block: int, size: int, names: tuple[tuple[str, ...], ...]
) -> tuple[tuple[float, ...], ...]:
    # Comparing all pairs of points in many dimensions would take longer than it gains.
    tries = _TRIES if len(names) <= 32 else 1
    candidates = (
        _candidate(seed, (block * _TRIES + attempt) * size, size, names) for attempt in range(tries)
    )
    return max(candidates, key=_least_distance)


def _candidate(
    seed: int, offset: int, size: int, names: tuple[tuple[str, ...], ...]
) -> tuple[tuple[float, ...], ...]:
    columns = []
    for name in names:
        order = sorted(range(size), key=lambda k: draw(seed, offset + k, ("design-order", *name)))
        columns.append([(order[k] + draw(seed, offset + k, ("design", *name))) / size for k in range(size)])
    return tuple(zip(*columns, strict=True))


def _least_distance(points: tuple[tuple[float, ...], ...]) -> float:
    pairs = combinations(points, 2)
    return min((sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) for p, q in pairs), default=0.0)
