"""Which observations enter a model that cannot take all of them."""

from collections.abc import Sequence

from sweepd.spec.space.draw import draw
from sweepd_suggestion.domain.objective import Valued

MOST_VALUED = 150
"""A Gaussian process costs the cube of this."""


def selected(valued: Sequence[Valued], seed: int, most: int = MOST_VALUED) -> tuple[Valued, ...]:
    """Return at most `most` of them: the best third always, the newest third, the rest by lot of the seed."""
    if len(valued) <= most:
        return tuple(valued)
    share = most // 3
    by_loss = sorted(valued, key=lambda one: (one.loss, one.run_number))
    newest = sorted(by_loss[share:], key=lambda one: -one.run_number)
    by_lot = sorted(newest[share:], key=lambda one: draw(seed, one.run_number, ("selection",)))
    chosen = [*by_loss[:share], *newest[:share], *by_lot[: most - 2 * share]]
    return tuple(sorted(chosen, key=lambda one: one.run_number))
