"""Losses on a scale that suits a Gaussian process, and back.

Outliers are pulled in, huge spreads compressed, if that is what suits. The compression is a shifted logarithm
as in Box, Cox (1964), J. Royal Statistical Society B 26, 211-252; the model itself decides which shift suits
(Snelson, Rasmussen, Ghahramani, "Warped Gaussian processes", NIPS 16, 2003).
"""

from dataclasses import dataclass

import numpy as np

from sweepd_suggestion.domain.vectors import Array

SHIFTS = (None, 1.0, 0.3, 0.1, 0.03)
"""None for no compression, or shares of the spread; smaller ones would make a cusp around the best."""

_FENCE = 30.0
"""Losses beyond the upper quartile by more than so many widths are equally bad.

The width: from the median to that quartile or to the lowest loss, whichever is more.
"""

_BEYOND = 10.0
"""Spreads above or below the lowest loss, as far as which predictions go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossScale:
    """z = (t(x) - mean) / deviation, x = (loss - lowest) / spread, t(x) = x or ln(1 + x / shift): rising."""

    lowest: float
    highest: float
    shift: float | None
    mean: float
    deviation: float

    @classmethod
    def of(cls, losses: Array, shift: float | None = None) -> "LossScale | None":
        """Return the scale for some losses; None where they do not differ.

        Args:
            losses: at least one, shape (n,); so that their differences are finite.
            shift: of the logarithm; None for none.
        """
        lowest, highest = float(losses.min()), _upper_fence(losses)
        clipped = np.minimum(losses, highest)
        spread = highest - lowest
        if spread <= max(1e-12 * max(abs(lowest), abs(highest)), 1e-300):
            return None
        raw = _compressed((clipped - lowest) / spread, shift)
        return cls(
            lowest=lowest, highest=highest, shift=shift, mean=float(raw.mean()), deviation=float(raw.std())
        )

    @property
    def spread(self) -> float:
        """Distance between the lowest loss and the highest that is distinguished."""
        return self.highest - self.lowest

    def scaled(self, losses: Array) -> Array:
        """Return losses on the scale."""
        shares = (np.minimum(losses, self.highest) - self.lowest) / self.spread
        raw = _compressed(shares, self.shift)
        return (raw - self.mean) / self.deviation

    def log_slope(self, losses: Array) -> float:
        """Return the sum over losses of the logarithm of the scale's slope, less what all scales share."""
        shares = (np.minimum(losses, self.highest) - self.lowest) / self.spread
        steep = 0.0 if self.shift is None else -float(np.log(shares + self.shift).sum())
        return steep - len(losses) * float(np.log(self.deviation))

    def losses(self, scaled: Array) -> Array:
        """Return the losses at places of the scale."""
        raw = scaled * self.deviation + self.mean
        if self.shift is not None:
            raw = self.shift * np.expm1(raw)
        # An uncertain model predicts losses far beyond any seen; they need not be distinguished.
        return self.lowest + self.spread * np.clip(raw, -_BEYOND, _BEYOND)


def _upper_fence(losses: Array) -> float:
    lowest, median, upper = np.quantile(losses, (0.0, 0.5, 0.75))
    width = max(upper - median, median - lowest)
    highest = float(losses.max())
    return min(highest, float(upper + _FENCE * width)) if width > 0 else highest


def _compressed(shares: Array, shift: float | None) -> Array:
    return shares if shift is None else np.log1p(shares / shift)
