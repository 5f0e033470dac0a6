"""What a random forest says of the importance of parameters.

Breiman, "Random forests", Machine Learning 45 (2001), 5-32: each tree is grown on a sample of the runs; how
much worse it foretells the runs left out once the values of one parameter are shuffled among them is the
parameter's importance. Unlike the sums of what splits gain, this does not favour parameters of many values,
and what decides nothing gets about nothing.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from sweepd_suggestion.domain.vectors import Array

FEWEST_RUNS = 8
"""With less than these a forest tells nothing."""

_TREES, _FEWEST_TREES = 96, 16
_SHUFFLES = 12_288
"""Trees times parameters, at most: it bounds the time."""

_LEAF = 2


@dataclass(frozen=True, slots=True)
class ForestAnswer:
    """The importance of each group of columns, 0 or more, and the share of the differences explained."""

    importances: Array
    explained: float


def forest_importance(columns: Array, groups: list[list[int]], values: Array) -> ForestAnswer | None:
    """Grow a forest and shuffle each group of columns; None where there is nothing to learn.

    Args:
        columns: shape (runs, columns).
        groups: the columns of each parameter; each column is in one of them.
        values: shape (runs,). Only their order counts: one run that has diverged must not hide the others.
    """
    if len(values) < FEWEST_RUNS or not groups or values.min() == values.max():
        return None
    ranks = _ranks(values)
    trees = int(np.clip(_SHUFFLES // len(groups), _FEWEST_TREES, _TREES))
    forest = RandomForestRegressor(
        n_estimators=trees, max_features=1 / 3, min_samples_leaf=_LEAF, random_state=0, n_jobs=1
    )
    forest.fit(columns, ranks)
    rng = np.random.Generator(np.random.PCG64(0))
    inputs = columns.astype(np.float32)
    harm = np.zeros(len(groups))
    foretold, counted = np.zeros(len(ranks)), np.zeros(len(ranks))
    for tree, sample in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        left_out = np.setdiff1d(np.arange(len(ranks)), sample)
        if len(left_out) < 2:
            continue
        before, truth = tree.tree_.predict(inputs[left_out])[:, 0], ranks[left_out]
        foretold[left_out] += before
        counted[left_out] += 1
        error = np.square(before - truth).mean()
        used = set(tree.tree_.feature.tolist())
        for place, group in enumerate(groups):
            if used.isdisjoint(group):
                continue
            shuffled = inputs[left_out]
            shuffled[:, group] = shuffled[rng.permutation(len(left_out))][:, group]
            harm[place] += np.square(tree.tree_.predict(shuffled)[:, 0] - truth).mean() - error
    return ForestAnswer(np.maximum(harm / trees, 0.0), _explained(ranks, foretold, counted))


def _explained(ranks: Array, foretold: Array, counted: Array) -> float:
    seen = counted > 0
    missed = np.square(foretold[seen] / counted[seen] - ranks[seen]).sum()
    return float(1.0 - missed / np.square(ranks[seen] - ranks[seen].mean()).sum())


def _ranks(values: Array) -> Array:
    """Return the share of values below each, equal ones having the same."""
    distinct, place = np.unique(values, return_inverse=True)
    below = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=len(distinct)))])
    middle: Array = (below[:-1] + below[1:]) / (2 * len(values))
    return middle[place]
