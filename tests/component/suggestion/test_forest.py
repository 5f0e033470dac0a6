"""Importance of parameters by a forest, compared with the published method."""

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestRegressor

from sweepd_suggestion.domain.feature_importance import _explained, _ranks, forest_importance
from sweepd_suggestion.domain.vectors import Array

RNG = np.random.default_rng(6)


def random_columns(points: int, columns: int) -> Array:
    """Return the columns of some points, in the order in which a forest gets them."""
    drawn = RNG.random((points, columns))
    return drawn[np.argsort(drawn[:, 0])]


def a_forest(columns: Array, values: Array, trees: int) -> RandomForestRegressor:
    """Return a forest on the ranks of values, a third of the columns for each split."""
    shares = (rankdata(values) - 0.5) / len(values)
    return RandomForestRegressor(trees, max_features=1 / 3, min_samples_leaf=2, random_state=0).fit(
        columns, shares
    )


def published_importance(
    columns: Array, groups: list[list[int]], values: Array, trees: int
) -> tuple[Array, float]:
    """Return the increase of the error when each group is shuffled, and the explained share of the variance.

    Breiman (2001): errors are those on the out-of-bag points of each tree. One generator shuffles.
    """
    forest, rng = a_forest(columns, values, trees), np.random.Generator(np.random.PCG64(0))
    shares = (rankdata(values) - 0.5) / len(values)
    unseen_by_tree = [
        sorted(set(range(len(values))) - set(seen.tolist())) for seen in forest.estimators_samples_
    ]
    errors = np.zeros((len(groups), trees))
    predictions: list[list[float]] = [[] for _ in values]
    for at, (tree, unseen) in enumerate(zip(forest.estimators_, unseen_by_tree, strict=True)):
        if len(unseen) < 2:
            continue  # one point cannot be shuffled
        before = tree.predict(columns[unseen])
        for point, prediction in zip(unseen, before, strict=True):
            predictions[point].append(prediction)
        for number, group in enumerate(groups):
            if set(group) & set(tree.tree_.feature):
                shuffled = columns[unseen]
                shuffled[:, group] = shuffled[rng.permutation(len(unseen))][:, group]
                after = tree.predict(shuffled)
                errors[number, at] = np.mean((after - shares[unseen]) ** 2 - (before - shares[unseen]) ** 2)
    means = np.array([np.mean(each) for each in predictions])
    return np.maximum(errors.mean(axis=1), 0.0), 1.0 - np.square(shares - means).mean() / shares.var()


@pytest.mark.parametrize(("runs", "groups"), [(8, [[0], [1]]), (30, [[0, 2], [], [1]])])
def test_the_importance_equals_that_of_the_published_method(runs: int, groups: list[list[int]]) -> None:
    """Also with eight points, of which some trees leave out none or one."""
    columns = random_columns(runs, 1 + max(max(group, default=0) for group in groups))
    values = columns @ np.arange(3.0, 0.0, -1.0)[: columns.shape[1]] + 0.1 * RNG.normal(size=runs)
    found = forest_importance(columns, groups, values)
    assert found is not None
    importances, explained = published_importance(columns, groups, values, 96)
    assert found.importances == pytest.approx(importances, rel=1e-6)
    assert found.explained == pytest.approx(explained, rel=1e-6)
    assert found.importances[0] > 0.01


def test_the_explained_share_is_the_out_of_bag_score_of_scikit_learn() -> None:
    columns = random_columns(40, 3)
    values = columns[:, 0] + 0.2 * RNG.normal(size=40)
    found = forest_importance(columns, [[0], [1], [2]], values)
    assert found is not None
    forest = a_forest(columns, values, 96).set_params(oob_score=True)
    assert found.explained == pytest.approx(forest.fit(columns, _ranks(values)).oob_score_, rel=1e-6)


@pytest.mark.parametrize(("parameters", "trees"), [(128, 96), (256, 48), (1_000, 16)])
def test_a_forest_on_more_parameters_has_fewer_trees(parameters: int, trees: int) -> None:
    columns = random_columns(12, parameters)
    groups, values = [[number] for number in range(parameters)], columns[:, 0]
    found = forest_importance(columns, groups, values)
    assert found is not None
    assert found.importances == pytest.approx(
        published_importance(columns, groups, values, trees)[0], rel=1e-6
    )


def test_runs_of_one_point_count_as_one_with_their_mean_rank() -> None:
    columns, values = random_columns(10, 2), RNG.normal(size=10)
    once = forest_importance(columns, [[0], [1]], values)
    again = forest_importance(np.repeat(columns, 2, axis=0), [[0], [1]], np.repeat(values, 2))
    assert once is not None
    assert again is not None
    assert again.importances == pytest.approx(once.importances)
    assert again.explained == pytest.approx(once.explained)


def test_a_forest_needs_eight_points_and_two_ranks() -> None:
    columns, values = random_columns(8, 1), RNG.normal(size=8)
    assert forest_importance(columns, [[0]], values) is not None
    assert forest_importance(columns[:7], [[0]], values[:7]) is None
    assert forest_importance(columns, [[0]], np.ones(8)) is None


@pytest.mark.parametrize("values", [[3.0, 1.0, 2.0], [1.0, 1.0, 5.0, 0.0, 5.0], [7.0]])
def test_a_rank_is_a_share_of_the_values_and_equal_ones_share_theirs(values: list[float]) -> None:
    assert _ranks(np.array(values)) == pytest.approx((rankdata(values) - 0.5) / len(values))


def test_a_point_that_every_tree_has_seen_is_predicted_to_be_average() -> None:
    ranks = np.array([0.1, 0.5, 0.9])
    explained = _explained(ranks, np.array([0.2, 1.5, 0.0]), np.array([1.0, 3.0, 0.0]))
    assert explained == pytest.approx(1.0 - (0.1**2 + 0.4**2) / (2 * 0.4**2))
