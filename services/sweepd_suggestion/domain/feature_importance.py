"""Importance of parameters, by a random forest on points and their values, and correlations.

Permutation importance, Breiman, "Random forests", Machine Learning 45 (2001), 5-32: each tree is grown on a
sample of the points; a parameter's importance is the increase of the tree's error on the left-out points when
the parameter's values are shuffled among them. Unlike impurity-based importance, this does not favour
parameters with many values, and a parameter without influence gets about 0.

Runs of the same point count as one. Otherwise a left-out point could be in a tree's sample as another run,
and every parameter that distinguishes points would seem important.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from sklearn.ensemble import RandomForestRegressor

from sweepd.spec.distributions.continuous import Normal
from sweepd.spec.distributions.discrete import Categorical, WeightedCategorical
from sweepd.spec.distributions.distribution import unrounded
from sweepd.spec.point import Json, canonical_json, dotted, is_number
from sweepd.spec.space.dimension import Dimension
from sweepd_suggestion.domain.questions import (
    CategoryCorrelation,
    Importance,
    ImportanceQuestion,
    ParameterImportance,
)
from sweepd_suggestion.domain.vectors import INACTIVE, Array, Coordinates, Indices

MIN_POINTS = 8
"""Minimum number of points to which a forest is fitted."""

_MAX_TREES, _MIN_TREES = 96, 16
_SHUFFLES = 12_288
"""Limit on trees times parameters, to bound the time; `_MIN_TREES` takes precedence."""

_TOLERANCE = 1e-9
"""Tolerance for equal mean ranks, which may differ by rounding."""

MIN_LEAF = 2
"""Minimum number of points in a leaf, since a leaf with one point only fits noise."""


@dataclass(frozen=True, slots=True)
class ForestAnswer:
    """Importance of each group of columns, 0 or more, and the share of variance explained."""

    importances: Array
    explained: float


def forest_importance(columns: Array, groups: list[list[int]], values: Array) -> ForestAnswer | None:
    """Return the permutation importance of each group of columns; None for too few points or equal values.

    Args:
        columns: shape (runs, columns).
        groups: columns of each parameter, possibly none; each column is in one group.
        values: shape (runs,). Only ranks count, so that one diverged run does not hide the others.
    """
    columns, point_of = np.unique(columns, axis=0, return_inverse=True)
    ranks = np.bincount(point_of, _ranks(values)) / np.bincount(point_of)
    if len(columns) < MIN_POINTS or np.ptp(ranks) < _TOLERANCE:
        return None
    trees = int(np.clip(_SHUFFLES // len(groups), _MIN_TREES, _MAX_TREES))
    forest = RandomForestRegressor(
        n_estimators=trees, max_features=1 / 3, min_samples_leaf=MIN_LEAF, random_state=0, n_jobs=1
    )
    forest.fit(columns, ranks)
    rng = np.random.Generator(np.random.PCG64(0))
    inputs = columns.astype(np.float32)
    error_increase = np.zeros(len(groups))
    predicted, counted = np.zeros(len(ranks)), np.zeros(len(ranks))
    for tree, sample in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        left_out = np.setdiff1d(np.arange(len(ranks)), sample)
        if len(left_out) < 2:
            continue
        before, truth = tree.tree_.predict(inputs[left_out])[:, 0], ranks[left_out]
        predicted[left_out] += before
        counted[left_out] += 1
        error = np.square(before - truth).mean()
        used = set(tree.tree_.feature.tolist())
        for place, group in enumerate(groups):
            if used.isdisjoint(group):
                continue
            shuffled = inputs[left_out]
            shuffled[:, group] = shuffled[rng.permutation(len(left_out))][:, group]
            error_increase[place] += np.square(tree.tree_.predict(shuffled)[:, 0] - truth).mean() - error
    return ForestAnswer(np.maximum(error_increase / trees, 0.0), _explained(ranks, predicted, counted))


def _explained(ranks: Array, predicted: Array, counted: Array) -> float:
    predicted = np.where(counted > 0, predicted / np.maximum(counted, 1), ranks.mean())
    return float(1.0 - np.square(predicted - ranks).sum() / np.square(ranks - ranks.mean()).sum())


def _ranks(values: Array) -> Array:
    """Return the rank of each value as a share of 1; ties get their mean rank."""
    distinct, place = np.unique(values, return_inverse=True)
    below = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=len(distinct)))])
    middle: Array = (below[:-1] + below[1:]) / (2 * len(values))
    return middle[place]


_MAX_VALUE = 1e150
"""Bound on values, so that squares of differences are finite."""

_CATEGORIES = Categorical | WeightedCategorical

_TAIL = 1e-12
"""Tail probability at which normal distributions are clipped."""

_MAX_COLUMNS = 500
"""Limit on category columns of all parameters, to bound the time; rare categories have no column."""


def feature_importance(question: ImportanceQuestion) -> Importance:
    """Return the importance of each parameter, ignoring points outside the space."""
    inside = [
        (point, value)
        for point, value in zip(question.points, question.values, strict=True)
        if not question.space.violations(point)
    ]
    values = np.clip(np.array([value for _, value in inside], dtype=float), -_MAX_VALUE, _MAX_VALUE)
    vectors = Coordinates(question.space).vectors([point for point, _ in inside])
    parts = _parts(question.space.dimensions, vectors)
    groups, columns = _stacked(parts, len(values))
    answer = forest_importance(columns, groups, values)
    raw = np.zeros(len(parts)) if answer is None else answer.importances
    shares = raw / raw.sum() if raw.sum() > 0 else raw
    found = [part.importance(float(share), values) for part, share in zip(parts, shares, strict=True)]
    return Importance(
        parameters=tuple(sorted(found, key=lambda one: -one.importance)),
        runs=len(values),
        explained=None if answer is None else answer.explained,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One dimension: its columns for the forest, and its scale, if any, for the correlation.

    Args:
        dimension: the dimension.
        active: shape (runs,), True if the run has the dimension.
        columns: shape (runs, any).
        scale: shape (runs,); None for categories that are neither numbers nor booleans.
        categories: categories that occur in the runs.
        places: category index of each run that has the dimension.
    """

    dimension: Dimension
    active: NDArray[np.bool_]
    columns: Array
    scale: Array | None
    categories: tuple[Json, ...] = ()
    places: Indices

    def importance(self, share: float, values: Array) -> ParameterImportance:
        """Return the importance and correlation of the dimension."""
        values = values[self.active]
        found = category_correlations(self.places, values) if self.categories else []
        return ParameterImportance(
            names=tuple(dotted(path) for path in self.dimension.paths),
            importance=share,
            correlation=None if self.scale is None else correlation(self.scale[self.active], values),
            categories=tuple(
                CategoryCorrelation(value=value, correlation=one)
                for value, one in zip(self.categories, found, strict=True)
            ),
        )


def _parts(dimensions: Sequence[Dimension], vectors: Array) -> list[_Part]:
    categorical = sum(isinstance(each.distribution, _CATEGORIES) for each in dimensions)
    most = max(2, _MAX_COLUMNS // max(1, categorical))
    return [_part(dimension, vectors[:, i], most) for i, dimension in enumerate(dimensions)]


def _part(dimension: Dimension, column: Array, most: int) -> _Part:
    active = column != INACTIVE
    distribution = dimension.distribution
    if not isinstance(distribution, _CATEGORIES):
        normal = isinstance(unrounded(distribution), Normal)
        return _Part(
            dimension=dimension,
            active=active,
            columns=column[:, np.newaxis],
            scale=ndtri(np.clip(column, _TAIL, 1 - _TAIL)) if normal else column,
            places=np.array([], dtype=np.intp),
        )
    codes, places = np.unique(column[active].astype(np.intp), return_inverse=True)
    distinct = tuple(_distinct(distribution.values))
    categories = tuple(distinct[code] for code in codes.tolist())
    numbers, scale = _numbers(categories), None
    if numbers is None:
        frequent = _frequent(places, most)
        columns = np.zeros((len(column), len(frequent)))
        columns[active] = places[:, np.newaxis] == frequent
    else:  # a forest depends only on the order
        scale = np.zeros(len(column))
        scale[active] = numbers[places]
        columns = np.full((len(column), 1), INACTIVE)
        columns[active, 0] = np.unique(scale[active], return_inverse=True)[1]
    return _Part(
        dimension=dimension, active=active, columns=columns, scale=scale, categories=categories, places=places
    )


def _frequent(places: Indices, most: int) -> Indices:
    """Return the most frequent categories, without those too rare for a forest."""
    counts = np.bincount(places)
    by_count = np.argsort(-counts, kind="stable")[:most]
    return np.sort(by_count[counts[by_count] >= MIN_LEAF])


def _distinct(values: tuple[Json, ...]) -> Iterator[Json]:
    """Yield each distinct category, in the order of codes."""
    seen: dict[str, Json] = {}
    for value in values:
        seen.setdefault(canonical_json(value), value)
    yield from seen.values()


def _numbers(categories: Sequence[Json]) -> Array | None:
    """Return categories as numbers, booleans as 0 and 1; None unless all are numbers or all are booleans."""
    if not categories or not (
        all(map(is_number, categories)) or all(isinstance(value, bool) for value in categories)
    ):
        return None
    numbers: Array = np.clip(np.array(categories, dtype=float), -_MAX_VALUE, _MAX_VALUE)
    return numbers


def _stacked(parts: list[_Part], runs: int) -> tuple[list[list[int]], Array]:
    groups: list[list[int]] = []
    for part in parts:
        first = sum(map(len, groups))
        groups.append(list(range(first, first + part.columns.shape[1])))
    return groups, np.column_stack([np.empty((runs, 0)), *(part.columns for part in parts)])


def correlation(left: Array, right: Array) -> float | None:
    """Return the correlation of two arrays, -1 to 1; None for fewer than two values or a constant array.

    Args:
        left: shape (n,), magnitudes at most 1e150.
        right: shape (n,), magnitudes at most 1e150.
    """
    if len(left) < 2:
        return None
    a, b = _standard(left), _standard(right)
    if a is None or b is None:
        return None
    return float(np.clip(a @ b / len(left), -1.0, 1.0))


def category_correlations(places: Indices, values: Array) -> list[float | None]:
    """Return the correlation of each category's indicator with an array; None if undefined.

    Args:
        places: shape (n,), category index of each value, from 0; every category occurs.
        values: shape (n,), magnitudes at most 1e150.
    """
    if not len(values):
        return []
    share = np.bincount(places) / len(values)
    standard = _standard(values)
    if standard is None or len(share) == 1:
        return [None] * len(share)
    of_each = np.bincount(places, standard) / len(values) / np.sqrt(share * (1 - share))
    found: list[float | None] = np.clip(of_each, -1.0, 1.0).tolist()
    return found


def _standard(numbers: Array) -> Array | None:
    """Return numbers standardised to mean 0 and deviation 1; None if they differ only by rounding."""
    centred = numbers - numbers.mean()
    spread = float(np.abs(centred).max())
    if spread <= 1e-12 * float(np.abs(numbers).max()):
        return None
    scaled: Array = centred / spread
    return scaled / float(scaled.std())
