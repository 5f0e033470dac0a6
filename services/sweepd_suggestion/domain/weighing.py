"""From points and values to the importance and correlation of each parameter."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sweepd.spec import Categorical, Dimension, Json, WeightedCategorical, canonical_json
from sweepd.spec.parameter import dotted
from sweepd.spec.point import is_number
from sweepd_suggestion.domain.correlation import correlation
from sweepd_suggestion.domain.forest import forest_importance
from sweepd_suggestion.domain.importance import (
    CategoryCorrelation,
    Importance,
    ImportanceQuestion,
    ParameterImportance,
)
from sweepd_suggestion.domain.vectors import INACTIVE, Array, Coordinates

_MOST = 1e150
"""What lies farther from zero counts as that: squares of differences would not be finite."""


def weighed(question: ImportanceQuestion) -> Importance:
    """Return how much each parameter matters. Points outside the space are left out."""
    inside = [
        (point, value)
        for point, value in zip(question.points, question.values, strict=True)
        if not question.space.violations(point)
    ]
    values = np.clip(np.array([value for _, value in inside], dtype=float), -_MOST, _MOST)
    vectors = Coordinates(question.space).vectors([point for point, _ in inside])
    parts = [_part(dimension, vectors[:, i]) for i, dimension in enumerate(question.space.dimensions)]
    groups, columns = _side_by_side(parts, len(values))
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
    """One dimension: its columns for a forest, and where it has one its scale for a correlation."""

    dimension: Dimension
    there: Array
    columns: Array
    scale: Array | None
    categories: tuple[tuple[Json, Array], ...] = ()

    def importance(self, share: float, values: Array) -> ParameterImportance:
        """Return what is told of it."""
        there = self.there.astype(bool)
        return ParameterImportance(
            names=tuple(dotted(path) for path in self.dimension.paths),
            importance=share,
            correlation=None if self.scale is None else correlation(self.scale[there], values[there]),
            categories=tuple(
                CategoryCorrelation(value=value, correlation=correlation(has[there], values[there]))
                for value, has in self.categories
            ),
        )


def _part(dimension: Dimension, column: Array) -> _Part:
    there = column != INACTIVE
    distribution = dimension.distribution
    if not isinstance(distribution, Categorical | WeightedCategorical):
        return _Part(dimension=dimension, there=there, columns=column[:, np.newaxis], scale=column)
    categories = [
        (value, (column == code).astype(float))
        for code, value in enumerate(_distinct(distribution.values))
        if (column == code).any()
    ]
    scale = _on_a_scale(categories)
    if scale is None:
        columns = np.column_stack([np.empty((len(column), 0)), *(has for _, has in categories)])
    else:  # a forest needs the order alone
        places = np.unique(scale, return_inverse=True)[1]
        columns = np.where(there, places, INACTIVE)[:, np.newaxis]
    return _Part(dimension=dimension, there=there, columns=columns, scale=scale, categories=tuple(categories))


def _distinct(values: tuple[Json, ...]) -> Iterator[Json]:
    """Yield each category once, in the order of its code."""
    seen: dict[str, Json] = {}
    for value in values:
        seen.setdefault(canonical_json(value), value)
    yield from seen.values()


def _on_a_scale(categories: list[tuple[Json, Array]]) -> Array | None:
    """Return the numbers that the categories are, 0 and 1 for booleans; None where they are neither."""
    values = [value for value, _ in categories]
    if not values or not (all(map(is_number, values)) or all(isinstance(value, bool) for value in values)):
        return None
    numbers = np.clip(np.array(values, dtype=float), -_MOST, _MOST)
    scale: Array = numbers @ np.array([has for _, has in categories])
    return scale


def _side_by_side(parts: list[_Part], runs: int) -> tuple[list[list[int]], Array]:
    groups: list[list[int]] = []
    for part in parts:
        first = sum(map(len, groups))
        groups.append(list(range(first, first + part.columns.shape[1])))
    return groups, np.column_stack([np.empty((runs, 0)), *(part.columns for part in parts)])
