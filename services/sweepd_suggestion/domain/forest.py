"""Importance of parameters by a random forest.

Breiman, "Random forests", Machine Learning 45 (2001), 5-32: each tree is grown on a sample of the points; how
much worse it predicts the points left out once the values of one parameter are shuffled among them is the
parameter's importance. Unlike the sums of what splits gain, this does not favour parameters of many values,
and a parameter without influence gets about 0.

Runs of the same point count as one. Else a tree would know the points left out from their other runs, by
any parameter that tells points apart, and all of those would seem to matter.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from sweepd_suggestion.domain.vectors import Array

FEWEST_POINTS = 8
"""With fewer a forest shows nothing."""

_TREES, _FEWEST_TREES = 96, 16
_SHUFFLES = 12_288
"""Trees times parameters, at most: it bounds the time."""

_ALIKE = 1e-9
"""Means of equal ranks differ by rounding."""

LEAF = 2
"""Points in a leaf, at least: nothing is learnt from a single one."""


@dataclass(frozen=True, slots=True)
class ForestAnswer:
    """The importance of each group of columns, 0 or more, and the share of the differences explained."""

    importances: Array
    explained: float


def forest_importance(columns: Array, groups: list[list[int]], values: Array) -> ForestAnswer | None:
    """Grow a forest and shuffle each group of columns; None where there is nothing to learn.

    Args:
        columns: shape (runs, columns).
        groups: the columns of each parameter, none where it does not vary; each column is in one of them.
        values: shape (runs,). Only their order counts: one run that has diverged must not hide the others.
    """
    columns, point_of = np.unique(columns, axis=0, return_inverse=True)
    ranks = np.bincount(point_of, _ranks(values)) / np.bincount(point_of)
    if len(columns) < FEWEST_POINTS or np.ptp(ranks) < _ALIKE:
        return None
    trees = int(np.clip(_SHUFFLES // len(groups), _FEWEST_TREES, _TREES))
    forest = RandomForestRegressor(
        n_estimators=trees, max_features=1 / 3, min_samples_leaf=LEAF, random_state=0, n_jobs=1
    )
    forest.fit(columns, ranks)
    rng = np.random.Generator(np.random.PCG64(0))
    inputs = columns.astype(np.float32)
    harm = np.zeros(len(groups))
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
            harm[place] += np.square(tree.tree_.predict(shuffled)[:, 0] - truth).mean() - error
    return ForestAnswer(np.maximum(harm / trees, 0.0), _explained(ranks, predicted, counted))


def _explained(ranks: Array, predicted: Array, counted: Array) -> float:
    predicted = np.where(counted > 0, predicted / np.maximum(counted, 1), ranks.mean())
    return float(1.0 - np.square(predicted - ranks).sum() / np.square(ranks - ranks.mean()).sum())


def _ranks(values: Array) -> Array:
    """Return the share of values below each, equal ones having the same."""
    distinct, place = np.unique(values, return_inverse=True)
    below = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=len(distinct)))])
    middle: Array = (below[:-1] + below[1:]) / (2 * len(values))
    return middle[place]
