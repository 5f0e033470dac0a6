"""Losses on a scale that suits a Gaussian process, and back.

Outliers are pulled in, huge spreads compressed. The compression is a shifted logarithm whose shift is the
most likely one under a normal distribution, as in Box, Cox (1964),
J. Royal Statistical Society B 26, 211-252.
"""

from dataclasses import dataclass

import numpy as np

from sweepd_suggestion.domain.vectors import Array

_SHIFTS = (0.03, 0.1, 0.3, 1.0)
"""Shares of the spread; smaller ones would make the neighbourhood of the best look like a cusp."""

_FENCE = 30.0
"""Losses this many distances between median and quartile beyond the quartile are all equally bad."""

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
    def of(cls, losses: Array) -> "LossScale | None":
        """Return the scale for some losses; None where they do not differ.

        Args:
            losses: finite, at least one, shape (n,).
        """
        lowest, highest = float(losses.min()), _upper_fence(losses)
        clipped = np.minimum(losses, highest)
        spread = highest - lowest
        if not np.isfinite(spread) or spread <= max(1e-12 * max(abs(lowest), abs(highest)), 1e-300):
            return None
        shares = (clipped - lowest) / spread
        shift = max((None, *_SHIFTS), key=lambda one: _log_likelihood(shares, one))
        raw = _compressed(shares, shift)
        return cls(
            lowest=lowest, highest=highest, shift=shift, mean=float(raw.mean()), deviation=float(raw.std())
        )

    @property
    def spread(self) -> float:
        """The distance between the lowest loss and the highest that is told apart."""
        return self.highest - self.lowest

    def scaled(self, losses: Array) -> Array:
        """Return losses on the scale."""
        shares = (np.minimum(losses, self.highest) - self.lowest) / self.spread
        raw = _compressed(shares, self.shift)
        return (raw - self.mean) / self.deviation

    def losses(self, scaled: Array) -> Array:
        """Return the losses at places of the scale."""
        raw = scaled * self.deviation + self.mean
        if self.shift is not None:
            raw = self.shift * np.expm1(raw)
        # A model in doubt imagines losses far beyond any seen; they need not be told apart.
        return self.lowest + self.spread * np.clip(raw, -_BEYOND, _BEYOND)


def _upper_fence(losses: Array) -> float:
    lower, median, upper = np.quantile(losses, (0.0, 0.5, 0.75))
    width = max(upper - median, median - lower)
    highest = float(losses.max())
    return min(highest, float(upper + _FENCE * width)) if width > 0 else highest


def _compressed(shares: Array, shift: float | None) -> Array:
    return shares if shift is None else np.log1p(shares / shift)


def _log_likelihood(shares: Array, shift: float | None) -> float:
    """Return how well the compressed losses fit a normal distribution, the Jacobian counted."""
    raw = _compressed(shares, shift)
    variance = float(raw.var())
    if variance <= 0.0:
        return -np.inf
    jacobian = 0.0 if shift is None else -float(np.log(shares + shift).sum())
    return jacobian - 0.5 * len(shares) * float(np.log(variance))
