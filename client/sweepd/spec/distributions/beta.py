"""Regularised incomplete beta function and its inverse, with the standard library only.

Source: W. H. Press et al., Numerical Recipes (3rd ed., 2007), section 6.4: the continued fraction 6.4.5 by
Lentz's method. The inverse is a Newton iteration on the logarithms, kept inside a shrinking bracket.
"""

from math import exp, isfinite, lgamma, log, log1p, sqrt
from typing import Final

_TINY: Final = 1e-300
_PRECISION: Final = 1e-15
_LOWEST_LOG: Final = -745.0  # below this, exp is zero
_MAX_STEPS: Final = 200


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the probability that a Beta(a, b) variable is at most `x`, for a, b > 0."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    # The fraction converges fast on this side of the mean; the other side follows by symmetry.
    if x < (a + 1.0) / (a + b + 2.0):
        return min(1.0, exp(_log_front(x, a, b)) * _fraction(x, a, b) / a)
    return max(0.0, 1.0 - exp(_log_front(x, a, b)) * _fraction(1.0 - x, b, a) / b)


def beta_quantile(p: float, a: float, b: float) -> float:
    """Return the `x` in [0, 1] with `beta_cdf(x, a, b) == p`, for 0 <= p <= 1."""
    if p <= 0.0:
        return 0.0
    if p >= 1.0:
        return 1.0
    # Solve for x or 1 - x, whichever is at most one half: doubles are most precise near zero.
    if p <= beta_cdf(0.5, a, b):
        return _lower_half_quantile(p, a, b)
    return 1.0 - _lower_half_quantile(1.0 - p, b, a)


def _lower_half_quantile(p: float, a: float, b: float) -> float:
    """Return a quantile of at most 1/2. Solve for t = ln x: ln cdf is nearly linear in t for small x."""
    low, high = _LOWEST_LOG, log(0.5)
    if beta_cdf(exp(low), a, b) >= p:
        return 0.0
    t = max(low, min(high, (log(p) + log(a) + _log_beta(a, b)) / a))
    for _ in range(_MAX_STEPS):
        x = exp(t)
        cdf = beta_cdf(x, a, b)
        if cdf < p:
            low = t
        else:
            high = t
        step = _newton_step(x, cdf, p, a, b)
        following = t - step
        if not low < following < high:
            following = (low + high) / 2.0
        if abs(following - t) <= _PRECISION * max(1.0, abs(t)):
            return exp(following)
        t = following
    return exp(t)


def _newton_step(x: float, cdf: float, p: float, a: float, b: float) -> float:
    """Return (ln cdf - ln p) / (d ln cdf / d ln x), or infinity if the bracket must be halved."""
    slope = exp(_log_front(x, a, b)) / (1.0 - x)  # x times the density
    if cdf <= 0.0 or slope <= 0.0:
        return float("inf")
    step = (log(cdf) - log(p)) * cdf / slope
    return step if isfinite(step) else float("inf")


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _log_front(x: float, a: float, b: float) -> float:
    return a * log(x) + b * log1p(-x) - _log_beta(a, b)


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 / _not_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    # The fraction needs about sqrt(max(a, b)) terms.
    for m in range(1, 200 + int(10.0 * sqrt(max(a, b)))):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d, c = 1.0 / _not_zero(1.0 + even * d), _not_zero(1.0 + even / c)
        value *= d * c
        d, c = 1.0 / _not_zero(1.0 + odd * d), _not_zero(1.0 + odd / c)
        value *= d * c
        if abs(d * c - 1.0) <= _PRECISION:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) >= _TINY else _TINY
