"""Vectors of points for a model: unit coordinates of numbers, codes of categories."""

import numpy as np
from numpy.typing import NDArray

from sweepd.spec.distributions.continuous import Normal
from sweepd.spec.distributions.discrete import Categorical, WeightedCategorical
from sweepd.spec.distributions.distribution import unrounded
from sweepd.spec.distributions.quantised import Quantised
from sweepd.spec.point import Json, Path, Point, canonical_json
from sweepd.spec.space.dimension import Dimension
from sweepd.spec.space.search_space import SearchSpace

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

_TAIL = 0.002
"""Tail probability excluded from the search at each end of an unbounded distribution."""

INACTIVE = -1.0
"""Value in a vector for a parameter that the point does not have."""


class Coordinates:
    """Dimensions of a space as columns: numbers as shares in [0, 1], categories as codes from 0.

    The vector of a point has INACTIVE for each absent parameter. A *full* vector has a value in each column;
    `to_points` converts full vectors to vectors of points.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._columns = [_column(dimension) for dimension in space.dimensions]
        self.categorical = np.array([isinstance(column, _Codes) for column in self._columns], dtype=bool)
        self.conditional = np.array([dimension.conditional for dimension in space.dimensions], dtype=bool)
        self._is_restricted = bool(self.conditional.any()) or bool(space.constraints)

    @property
    def count(self) -> int:
        """Number of columns."""
        return len(self._columns)

    def vectors(self, points: list[Point]) -> Array:
        """Return points of the space as vectors, shape (points, columns)."""
        return np.array([self._vector(point) for point in points], dtype=float).reshape(
            len(points), self.count
        )

    def point(self, vector: Array) -> Point:
        """Return the point at a vector, with plain Python values."""
        return self._space.from_unit(self._shares(vector[np.newaxis, :])[0])

    def from_shares(self, shares: Array) -> Array:
        """Return the full vectors nearest to unit coordinates of shape (n, columns)."""
        return np.column_stack([column.snapped(shares[:, i]) for i, column in enumerate(self._columns)])

    def around(self, centres: Array, scale: float, rng: np.random.Generator) -> Array:
        """Return a full vector near each centre: move some numbers by about `scale`, redraw some categories.

        Parameters that are absent from a centre are drawn at random.
        """
        n = len(centres)
        moved = rng.random((n, self.count)) < max(0.3, 1.0 / self.count)
        moved[np.arange(n), rng.integers(self.count, size=n)] = True
        steps = rng.normal(scale=scale, size=(n, self.count))
        redrawn = self.from_shares(rng.random((n, self.count)))
        near = np.where(self.categorical, 0.0, centres + steps)
        near = np.column_stack(
            [
                column.snapped(near[:, i]) if not self.categorical[i] else redrawn[:, i]
                for i, column in enumerate(self._columns)
            ]
        )
        near = np.where(moved, near, centres)
        return np.where(centres == INACTIVE, redrawn, near)

    def to_points(self, full: Array) -> Array:
        """Convert full vectors to vectors of points, without points that break a constraint."""
        if not self._is_restricted:
            return full
        found = [self._space.presence(shares) for shares in self._shares(full)]
        feasible = [place for place, there in enumerate(found) if there is not None]
        there = np.array([found[place] for place in feasible], dtype=bool).reshape(-1, self.count)
        return np.where(there, full[feasible], INACTIVE)

    def _vector(self, point: Point) -> list[float]:
        shares = self._space.to_unit(point)
        return [
            INACTIVE if share is None else column.place(point, share)
            for column, share in zip(self._columns, shares, strict=True)
        ]

    def _shares(self, vectors: Array) -> list[list[float]]:
        """Return the unit coordinates of vectors, 0.5 for absent parameters."""
        columns = [column.shares(vectors[:, i]) for i, column in enumerate(self._columns)]
        shares: list[list[float]] = np.where(vectors == INACTIVE, 0.5, np.column_stack(columns)).tolist()
        return shares


class _Shares:
    """A column of numbers."""

    def __init__(self, dimension: Dimension) -> None:
        distribution = dimension.distribution
        unbounded = isinstance(unrounded(distribution), Normal)
        self._low, self._high = (_TAIL, 1.0 - _TAIL) if unbounded else (0.0, 1.0)
        discrete = dimension.size is not None or isinstance(distribution, Quantised)
        # The model uses rounded values, as runs do.
        self._canonical = (lambda u: distribution.to_unit(distribution.quantile(u))) if discrete else None

    def place(self, point: Point, share: float) -> float:
        return share

    def shares(self, places: Array) -> Array:
        return np.clip(places, 0.0, 1.0)

    def snapped(self, shares: Array) -> Array:
        inside = np.clip(shares, self._low, self._high)
        if self._canonical is None:
            return inside
        return np.array([self._canonical(share) for share in inside.tolist()])


class _Codes:
    """A column of categories, or of the rows of a zip; codes have no order."""

    def __init__(self, paths: tuple[Path, ...], distribution: Categorical | WeightedCategorical) -> None:
        self._paths = paths
        self._distribution = distribution
        codes: dict[str, int] = {}
        for value in distribution.values:
            codes.setdefault(canonical_json(value), len(codes))
        self._codes = codes
        # `quantile` returns these objects; looking up their ids avoids encoding texts as JSON, which is slow.
        self._code_of = {id(value): float(codes[canonical_json(value)]) for value in distribution.values}
        shares: dict[int, float] = {}
        for value in distribution.values:
            shares.setdefault(codes[canonical_json(value)], distribution.to_unit(value))
        self._shares = np.array([shares[code] for code in range(len(shares))])

    def place(self, point: Point, share: float) -> float:
        # A value of probability zero covers no part of the unit interval, but a run may have tried it.
        if len(self._paths) > 1:
            return self._code_of[id(self._distribution.quantile(share))]
        return float(self._codes[canonical_json(_value_at(point, self._paths[0]))])

    def shares(self, places: Array) -> Array:
        return self._shares[places.astype(np.intp)]

    def snapped(self, shares: Array) -> Array:
        quantile, code_of = self._distribution.quantile, self._code_of
        return np.array([code_of[id(quantile(share))] for share in shares.tolist()])


def _column(dimension: Dimension) -> _Shares | _Codes:
    if isinstance(dimension.distribution, Categorical | WeightedCategorical):
        return _Codes(dimension.paths, dimension.distribution)
    return _Shares(dimension)


def _value_at(point: Point, path: Path) -> Json:
    value: Json = point
    for name in path:
        assert isinstance(value, dict)
        value = value[name]
    return value
