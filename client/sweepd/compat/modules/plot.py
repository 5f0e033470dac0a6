"""W&B's charts, stored as tables of their data."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import sweepd

__all__ = [
    "CustomChart",
    "Visualize",
    "bar",
    "confusion_matrix",
    "histogram",
    "line",
    "line_series",
    "plot_table",
    "pr_curve",
    "roc_curve",
    "scatter",
    "visualize",
]

CustomChart = Visualize = sweepd.Table
"""Class of all charts."""


def line(
    table: sweepd.Table,
    x: str,
    y: str,
    stroke: str | None = None,
    title: str = "",
    split_table: bool = False,
) -> sweepd.Table:
    """Return the table of a line chart."""
    return table


def scatter(table: sweepd.Table, x: str, y: str, title: str = "", split_table: bool = False) -> sweepd.Table:
    """Return the table of a scatter plot."""
    return table


def bar(
    table: sweepd.Table, label: str, value: str, title: str = "", split_table: bool = False
) -> sweepd.Table:
    """Return the table of a bar chart."""
    return table


def histogram(table: sweepd.Table, value: str, title: str = "", split_table: bool = False) -> sweepd.Table:
    """Return the table of a histogram."""
    return table


def plot_table(
    vega_spec_name: str,
    data_table: sweepd.Table,
    fields: object,
    string_fields: object = None,
    split_table: bool = False,
) -> sweepd.Table:
    """Return the table of a custom chart."""
    return data_table


def visualize(id: str, value: sweepd.Table) -> sweepd.Table:  # noqa: A002 -- W&B's name of it
    """Return the table of a custom chart."""
    return value


def line_series(
    xs: Iterable[Iterable[object]] | Iterable[object],
    ys: Iterable[Iterable[object]],
    keys: Iterable[str] | None = None,
    title: str = "",
    xname: str = "x",
    split_table: bool = False,
) -> sweepd.Table:
    """Return a table of several lines, with a row of step, line name and value for each point.

    Raises:
        ValueError: the numbers of xs, keys and lines differ.
    """
    lines = [list(y) for y in ys]
    steps = _steps(list(xs), len(lines))
    names = [f"line_{index}" for index in range(len(lines))] if keys is None else [str(key) for key in keys]
    if len(steps) != len(lines) or len(names) != len(lines):
        raise ValueError(f"line_series: {len(lines)} ys, {len(steps)} xs and {len(names)} keys do not match")
    rows = [
        [x, name, y]
        for name, own_steps, heights in zip(names, steps, lines, strict=True)
        for x, y in zip(own_steps, heights, strict=False)
    ]
    return sweepd.Table(columns=["step", "lineKey", "lineVal"], data=rows)


def confusion_matrix(
    probs: Iterable[Sequence[float]] | None = None,
    y_true: Iterable[object] | None = None,
    preds: Iterable[object] | None = None,
    class_names: Sequence[str] | None = None,
    title: str = "Confusion Matrix Curve",
    split_table: bool = False,
) -> sweepd.Table:
    """Return a confusion matrix as a table.

    Args:
        probs: for each example, the scores of all classes; the class with the highest score is predicted.
        y_true: the true class of each example.
        preds: the predicted class of each example, instead of `probs`.
        class_names: names of the classes, by class number. Default: the classes that occur, as text.
        title: no effect.
        split_table: no effect.

    Raises:
        ValueError: predictions or true classes are missing, or their numbers differ.
    """
    if y_true is None or (probs is None) == (preds is None):
        raise ValueError("confusion_matrix: needs y_true, and either probs or preds")
    truth = [_plain(label) for label in y_true]
    if probs is not None:
        guesses: list[object] = [_highest(row) for row in probs]
    else:
        guesses = [_plain(guess) for guess in (() if preds is None else preds)]
    if len(truth) != len(guesses):
        raise ValueError(f"confusion_matrix: {len(truth)} true classes and {len(guesses)} predictions")
    counts = Counter(zip(truth, guesses, strict=True))
    names: dict[object, object]
    if class_names is None:
        names = {label: label for label in sorted({*truth, *guesses}, key=str)}
    else:
        names = dict(enumerate(class_names))
    rows = [
        [str(names[actual]), str(names[guess]), counts[actual, guess]] for actual in names for guess in names
    ]
    return sweepd.Table(columns=["Actual", "Predicted", "nPredictions"], data=rows)


def roc_curve(
    y_true: Iterable[object],
    y_probas: Iterable[Sequence[float]] | None = None,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[object] | None = None,
    title: str = "ROC Curve",
    split_table: bool = False,
) -> sweepd.Table:
    """Return a table of ROC curves: false and true positive rates of each class, by descending threshold."""
    rows: list[list[object]] = []
    for name, positive, score in _classes(y_true, y_probas, labels, classes_to_plot):
        hits = sum(positive)
        misses = len(positive) - hits
        rows.append([name, 0.0, 0.0])
        rows += [
            [name, (taken - found) / misses if misses else 0.0, found / hits if hits else 0.0]
            for taken, found in _counts(positive, score)
        ]
    return sweepd.Table(columns=["class", "fpr", "tpr"], data=rows)


def pr_curve(
    y_true: Iterable[object] | None = None,
    y_probas: Iterable[Sequence[float]] | None = None,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[object] | None = None,
    interp_size: int = 21,
    title: str = "Precision-Recall Curve",
    split_table: bool = False,
) -> sweepd.Table:
    """Return a table of the precision of each class at `interp_size` values of the recall from 0 to 1.

    The precision at a recall is the highest precision among thresholds with at least this recall.
    """
    rows: list[list[object]] = []
    for name, positive, score in _classes(
        () if y_true is None else y_true, y_probas, labels, classes_to_plot
    ):
        hits = sum(positive)
        curve = [(found / hits if hits else 0.0, found / taken) for taken, found in _counts(positive, score)]
        for index in range(interp_size):
            recall = index / (interp_size - 1) if interp_size > 1 else 0.0
            reached = [precision for own_recall, precision in curve if own_recall >= recall]
            rows.append([name, max(reached, default=0.0), recall])
    return sweepd.Table(columns=["class", "precision", "recall"], data=rows)


def _steps(xs: list[object], lines: int) -> list[list[object]]:
    """Return the steps of each line; a single list applies to all lines."""
    if xs and all(isinstance(x, Iterable) and not isinstance(x, str) for x in xs):
        return [list(x) for x in xs if isinstance(x, Iterable)]
    return [xs] * lines


def _highest(row: Sequence[float]) -> int:
    scores = [float(score) for score in row]
    return scores.index(max(scores))


def _plain(label: object) -> object:
    item = getattr(label, "item", None)
    return item() if callable(item) else label


def _classes(
    y_true: Iterable[object],
    y_probas: Iterable[Sequence[float]] | None,
    labels: Sequence[str] | None,
    shown: Sequence[object] | None,
) -> Iterator[tuple[object, list[bool], list[float]]]:
    """Yield the name of each class, booleans that mark its examples, and the scores of the class.

    The sorted classes correspond to the columns of the scores. If there are more columns than classes, and
    all classes are valid column numbers, each class corresponds to the column of its number.
    """
    truth = [_plain(label) for label in y_true]
    scores = [[float(score) for score in row] for row in (() if y_probas is None else y_probas)]
    present = sorted(set(truth), key=lambda label: (str(type(label)), label))
    width = min(map(len, scores), default=0)
    numbered = width > len(present) and all(isinstance(each, int) and 0 <= each < width for each in present)
    for place, label in enumerate(present):
        index = label if numbered and isinstance(label, int) else place
        if shown is not None and label not in shown:
            continue
        name = labels[index] if labels is not None and index < len(labels) else label
        yield name, [each == label for each in truth], [row[index] for row in scores]


def _counts(positive: Sequence[bool], score: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Yield the numbers of predicted and of true positives for each threshold, highest threshold first."""
    order = sorted(range(len(score)), key=lambda index: -score[index])
    found = 0
    for position, index in enumerate(order):
        found += positive[index]
        if position + 1 == len(order) or score[order[position + 1]] != score[index]:
            yield position + 1, found
