"""Summary statistics of a key, updated as points arrive."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sweepd_metric_store.domain.batch import Kind, Stretch, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Statistics of one key of one attempt; minimum, maximum and mean cover finite numbers only."""

    first: Value
    last: Value
    last_step: int
    last_row: int
    count: int = 0
    non_finite_count: int = 0
    number_count: int = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None


def extended(summary: Summary | None, stretch: Stretch) -> Summary:
    """Return `summary` extended by the points of `stretch`.

    Stretches of different types may interleave, so the last value is the one in the highest row.
    """
    spine, values = stretch.spine, stretch.values
    known = summary or Summary(first=values[0], last=values[0], last_step=0, last_row=0)
    newest = spine.rows[-1] > known.last_row
    numbers = finite_numbers(stretch)
    return Summary(
        first=known.first,
        last=values[-1] if newest else known.last,
        last_step=spine.steps[-1] if newest else known.last_step,
        last_row=spine.rows[-1] if newest else known.last_row,
        count=known.count + len(values),
        non_finite_count=known.non_finite_count
        + (len(values) - len(numbers) if stretch.kind is Kind.DOUBLE else 0),
        number_count=known.number_count + len(numbers),
        minimum=_extreme(min, numbers, known.minimum),
        maximum=_extreme(max, numbers, known.maximum),
        mean=_mean(numbers, known),
    )


def finite_numbers(stretch: Stretch) -> Sequence[float]:
    """Return the finite numbers of `stretch` in order; booleans are not numbers."""
    numbers = stretch.numbers()
    # If any value is not finite, neither is the sum. The sum of finite values may also overflow.
    if math.isfinite(sum(numbers)):
        return numbers
    return [number for number in numbers if math.isfinite(number)]


def _extreme(
    choose: Callable[[Sequence[float]], float], numbers: Sequence[float], known: float | None
) -> float | None:
    if not numbers:
        return known
    best = float(choose(numbers))
    return best if known is None else choose((best, known))


def _mean(numbers: Sequence[float], known: Summary) -> float | None:
    if not numbers:
        return known.mean
    fresh = _mean_of(numbers)
    if known.mean is None:
        return fresh
    share = len(numbers) / (known.number_count + len(numbers))
    mean = known.mean + (fresh - known.mean) * share
    # The difference of two huge means of opposite sign overflows; the weighted means do not.
    return mean if math.isfinite(mean) else known.mean * (1 - share) + fresh * share


def _mean_of(numbers: Sequence[float]) -> float:
    mean = sum(numbers) / len(numbers)
    return mean if math.isfinite(mean) else math.fsum(number / len(numbers) for number in numbers)
