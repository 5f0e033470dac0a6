"""ROC and precision-recall curves, one class against the rest; standard library only."""

from collections.abc import Iterator, Sequence


def points_of_roc(
    truth: Sequence[object],
    scores: Sequence[Sequence[float]],
    labels: Sequence[str] | None,
    shown: Sequence[object] | None,
) -> list[list[object]]:
    """Return rows of [class, false positive rate, true positive rate], from the highest threshold down.

    Args:
        truth: class of each example.
        scores: scores of each example, one per class, in the order of the classes.
        labels: class names.
        shown: classes to include; None: all.
    """
    rows: list[list[object]] = []
    for name, positive, score in _classes(truth, scores, labels, shown):
        hits = sum(positive)
        misses = len(positive) - hits
        rows.append([name, 0.0, 0.0])
        rows += [
            [name, (taken - found) / misses if misses else 0.0, found / hits if hits else 0.0]
            for taken, found in _counts(positive, score)
        ]
    return rows


def points_of_precision(
    truth: Sequence[object],
    scores: Sequence[Sequence[float]],
    labels: Sequence[str] | None,
    shown: Sequence[object] | None,
    *,
    size: int,
) -> list[list[object]]:
    """Return rows of [class, precision, recall] at `size` recalls from 0 to 1.

    The precision at a recall is the highest of all thresholds that reach it.
    """
    rows: list[list[object]] = []
    for name, positive, score in _classes(truth, scores, labels, shown):
        hits = sum(positive)
        curve = [(found / hits if hits else 0.0, found / taken) for taken, found in _counts(positive, score)]
        for index in range(size):
            recall = index / (size - 1) if size > 1 else 0.0
            reached = [precision for own_recall, precision in curve if own_recall >= recall]
            rows.append([name, max(reached, default=0.0), recall])
    return rows


def _classes(
    truth: Sequence[object],
    scores: Sequence[Sequence[float]],
    labels: Sequence[str] | None,
    shown: Sequence[object] | None,
) -> Iterator[tuple[object, list[bool], list[float]]]:
    """Yield the name of each class, its examples as booleans, and the scores for it.

    Sorted classes correspond to the columns of the scores, unless there are more columns and the classes are
    column numbers: then some classes have no example.
    """
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
    """Yield the number of predicted and of true positives for each threshold, from the highest down."""
    order = sorted(range(len(score)), key=lambda index: -score[index])
    found = 0
    for position, index in enumerate(order):
        found += positive[index]
        if position + 1 == len(order) or score[order[position + 1]] != score[index]:
            yield position + 1, found
