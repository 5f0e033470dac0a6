"""Pearson's correlation, also of numbers whose squares would overflow."""

import numpy as np

from sweepd_suggestion.domain.vectors import Array, Places


def correlation(left: Array, right: Array) -> float | None:
    """Return the correlation of two rows of numbers, -1 to 1; None where one of them does not vary.

    Args:
        left: shape (n,); at most 1e150 in size, as those of `right`.
        right: shape (n,).
    """
    if len(left) < 2:
        return None
    a, b = _standard(left), _standard(right)
    if a is None or b is None:
        return None
    return float(np.clip(a @ b / len(left), -1.0, 1.0))


def category_correlations(places: Places, values: Array) -> list[float | None]:
    """Return for each category the correlation of having it with a row of numbers; None where there is none.

    Args:
        places: shape (n,), the category of each number, from 0; each category is that of some number.
        values: shape (n,); at most 1e150 in size.
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
    """Return numbers with mean 0 and deviation 1; None where what sets them apart is rounding."""
    apart = numbers - numbers.mean()
    spread = float(np.abs(apart).max())
    if spread <= 1e-12 * float(np.abs(numbers).max()):
        return None
    scaled: Array = apart / spread
    return scaled / float(scaled.std())
