"""Which observations enter a model that cannot take all of them."""

import numpy as np
from numpy.typing import NDArray

MOST_VALUED = 150
"""A Gaussian process costs the cube of this."""


def selected(
    numbers: NDArray[np.int64], losses: NDArray[np.float64], lots: NDArray[np.float64], most: int
) -> NDArray[np.intp]:
    """Return the places of `most` of them, by number: the best third, the newest third, the rest by lot.

    Args:
        numbers: of the runs, no two alike; more than `most`.
        losses: of the runs.
        lots: numbers that were drawn for them.
        most: how many.
    """
    share = most // 3
    rest = np.arange(len(numbers))
    chosen = []
    for order, count in ((losses, share), (-numbers, share), (lots, most - 2 * share)):
        first = _lowest(order[rest], numbers[rest], count)
        chosen.append(rest[first])
        rest = np.delete(rest, first)
    together = np.concatenate(chosen)
    return together[np.argsort(numbers[together])]


def _lowest(
    values: NDArray[np.float64] | NDArray[np.int64], numbers: NDArray[np.int64], count: int
) -> NDArray[np.intp]:
    """Return the places of the `count` lowest values; among equal ones the lower number comes first."""
    bound = np.partition(values, count - 1)[count - 1]
    places = np.flatnonzero(values <= bound)
    return places[np.lexsort((numbers[places], values[places]))][:count]
