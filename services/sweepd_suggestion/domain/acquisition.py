"""How much a candidate is expected to gain."""

import numpy as np
from scipy.special import erfcx, ndtr

from sweepd_suggestion.domain.vectors import Array

_HALF_LOG_TWO_PI = 0.5 * np.log(2.0 * np.pi)
_FAR = -1e6


def log_expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """Return the logarithm of the expected improvement, which itself may be too small for a double.

    Args:
        mean: posterior mean per candidate, shape (n,).
        deviation: posterior standard deviation, shape (n,), same units, > 0.
        best: lowest value so far, same units.
    Returns: shape (n,).
    Source: Ament, Daulton, Eriksson, Balandat, Bakshy (2023), "Unexpected improvements to expected
        improvement for Bayesian optimization", NeurIPS 36, equation 9; the measure itself: Jones, Schonlau,
        Welch (1998), J. Global Optimization 13, 455-492.
    """
    z = np.maximum((best - mean) / deviation, _FAR)
    near = z > -1.0
    result = np.empty_like(z)
    result[near] = np.log(np.exp(-0.5 * z[near] ** 2 - _HALF_LOG_TWO_PI) + z[near] * ndtr(z[near]))
    far = z[~near]
    # phi(z) + z Phi(z) = phi(z) (1 - |z| Phi(z) / phi(z)); erfcx keeps the ratio exact far out.
    ratio = np.abs(far) * np.sqrt(0.5 * np.pi) * erfcx(-far / np.sqrt(2.0))
    # Beyond where the difference can be told from 0, its asymptote is 1 / z^2.
    rest = np.where(far < -1e4, 1.0 / far**2, np.maximum(1.0 - ratio, 1e-300))
    result[~near] = -0.5 * far**2 - _HALF_LOG_TWO_PI + np.log(rest)
    return result + np.log(deviation)
