"""Charts are tables of their data, with the numbers of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from sweepd import Table
from sweepd.compat.modules import plot

RANDOM = np.random.default_rng(7)
TRUTH = RANDOM.integers(0, 3, 60)
SCORES = RANDOM.dirichlet([1, 1, 1], 60).round(1)  # rounded: several examples share a threshold


def test_a_chart_of_a_table_is_that_table() -> None:
    table = Table(columns=["x", "y"], data=[[1, 2]])
    charts = [
        plot.line(table, "x", "y", title="t", stroke="s"),
        plot.scatter(table, "x", "y"),
        plot.bar(table, "x", "y"),
        plot.histogram(table, "x"),
        plot.plot_table("wandb/line/v0", table, {"x": "x"}, {"title": "t"}),
        plot.visualize("wandb/line/v0", table),
    ]
    assert all(chart is table for chart in charts)


def test_a_confusion_matrix_counts_as_sklearn_does() -> None:
    guesses = SCORES.argmax(1)
    expected = confusion_matrix(TRUTH, guesses).ravel().tolist()
    for chart in (
        plot.confusion_matrix(y_true=TRUTH, preds=guesses),
        plot.confusion_matrix(probs=SCORES, y_true=TRUTH.tolist(), class_names=["a", "b", "c"]),
    ):
        assert chart.get_column("nPredictions") == expected
    assert chart.data[1][:2] == ["a", "b"]


@pytest.mark.parametrize("arguments", [{}, {"y_true": [1]}, {"y_true": [1], "preds": [1, 2]}])
def test_a_confusion_matrix_of_arguments_that_do_not_match_is_refused(
    arguments: dict[str, list[int]],
) -> None:
    with pytest.raises(ValueError, match="confusion_matrix"):
        plot.confusion_matrix(**arguments)  # type: ignore[arg-type]  # as scripts do


def test_a_roc_curve_has_the_points_of_sklearn() -> None:
    chart = plot.roc_curve(TRUTH, SCORES, labels=["a", "b", "c"])
    for index, name in enumerate("abc"):
        rises, hits, _ = roc_curve(index == TRUTH, SCORES[:, index], drop_intermediate=False)
        ours = [row[1:] for row in chart.data if row[0] == name]
        assert np.allclose(np.array(ours, float), np.stack([rises, hits], axis=1))


def test_a_precision_curve_has_the_best_precision_for_each_recall() -> None:
    chart = plot.pr_curve(TRUTH, SCORES, classes_to_plot=[1])
    precision, recall, _ = precision_recall_curve(TRUTH == 1, SCORES[:, 1])
    assert len(chart.data) == 21
    for name, ours, at in chart.data:
        assert name == 1
        assert isinstance(at, float)
        assert ours == pytest.approx(max(precision[:-1][recall[:-1] >= at]))


def test_lines_are_distinguished_by_their_keys() -> None:
    shared = plot.line_series([0, 1], [[5, 6], [7, 8]], keys=["a", "b"])
    assert shared.data == [[0, "a", 5], [1, "a", 6], [0, "b", 7], [1, "b", 8]]
    own = plot.line_series([[0, 1], [2, 3]], [[5, 6], [7, 8]])
    assert own.data == [[0, "line_0", 5], [1, "line_0", 6], [2, "line_1", 7], [3, "line_1", 8]]
    with pytest.raises(ValueError, match="do not match"):
        plot.line_series([[0]], [[5], [6]])
