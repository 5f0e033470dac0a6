"""Distributions over real numbers. Logarithms are natural."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, inf, isfinite, log, sqrt
from statistics import NormalDist
from typing import ClassVar, Final

from sweepd.spec.distributions.beta import beta_cdf, beta_quantile
from sweepd.spec.point import Json, Number, is_number


class Real(ABC):
    """Mixin for distributions over real numbers, which list no values. Not a type to depend on."""

    __slots__ = ()

    @property
    @abstractmethod
    def low(self) -> float:
        """The lowest value."""

    @property
    @abstractmethod
    def high(self) -> float:
        """The highest value."""

    @property
    def size(self) -> int | None:
        """None (uncountable), or 1 if only one value can be drawn."""
        return 1 if self.low == self.high else None

    @property
    def support(self) -> Sequence[Number] | None:
        """None (uncountable), or the only value."""
        return (self.low,) if self.low == self.high else None

    @property
    def grid_values(self) -> Sequence[Number] | None:
        """None: a grid cannot enumerate real numbers."""
        return None

    @abstractmethod
    def quantile(self, u: float) -> Number:
        """Return the quantile at u."""

    @abstractmethod
    def cdf(self, x: float) -> float:
        """Return the cumulative probability at x."""

    def to_unit(self, value: Json) -> float:
        """Return the cumulative probability at a value; raise ValueError if it is not a number."""
        if not is_number(value):
            raise ValueError(f"{value!r} is not a number")
        return min(max(self.cdf(value), 0.0), 1.0)

    def contains(self, value: Json) -> bool:
        """Return True if a value is a finite number within the bounds; 1 counts as 1.0."""
        return is_number(value) and isfinite(value) and self.low <= value <= self.high


_STANDARD_NORMAL: Final = NormalDist()
_SQRT_2: Final = sqrt(2.0)
_U_MIN: Final = 2.0**-54
_U_MAX: Final = 1.0 - 2.0**-53


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform(Real):
    """Uniform distribution: min + u·(max - min)."""

    name: ClassVar[str] = "uniform"
    min: Number
    max: Number

    @property
    def low(self) -> float:
        """The lowest value."""
        return float(self.min)

    @property
    def high(self) -> float:
        """The highest value."""
        return float(self.max)

    def quantile(self, u: float) -> float:
        """Return the quantile at u."""
        return _within(self.low + u * (self.high - self.low), self.low, self.high)

    def cdf(self, x: float) -> float:
        """Return the cumulative probability at x."""
        return (x - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogUniformValues(Uniform):
    """Distribution whose logarithm is uniform; the bounds are values."""

    name: ClassVar[str] = "log_uniform_values"

    @property
    def exponents(self) -> tuple[float, float]:
        """The logarithms of the bounds."""
        return log(self.min), log(self.max)

    def quantile(self, u: float) -> float:
        """Return the quantile at u."""
        low, high = self.exponents
        return _within(exp(low + u * (high - low)), self.low, self.high)

    def cdf(self, x: float) -> float:
        """Return the cumulative probability at x."""
        low, high = self.exponents
        return (log(x) - low) / (high - low) if x > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InvLogUniformValues(LogUniformValues):
    """Distribution where ln(1/X) is uniform between ln(1/max) and ln(1/min), as in `log_uniform_values`."""

    name: ClassVar[str] = "inv_log_uniform_values"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogUniform(LogUniformValues):
    """Distribution exp(min + u·(max - min)), whose bounds are exponents (deprecated)."""

    name: ClassVar[str] = "log_uniform"

    @property
    def exponents(self) -> tuple[float, float]:
        """The bounds as written."""
        return float(self.min), float(self.max)

    @property
    def low(self) -> float:
        """The lowest value."""
        return exp(self.exponents[0])

    @property
    def high(self) -> float:
        """The highest value."""
        return exp(self.exponents[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class InvLogUniform(LogUniform):
    """Distribution where ln(1/X) is uniform in [min, max] (deprecated)."""

    name: ClassVar[str] = "inv_log_uniform"

    @property
    def exponents(self) -> tuple[float, float]:
        """The bounds, negated and swapped."""
        return -float(self.max), -float(self.min)


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal(Real):
    """Normal distribution mu + sigma·Φ⁻¹(u); the constant mu if sigma is 0."""

    name: ClassVar[str] = "normal"
    mu: Number = 0
    sigma: Number = 1

    @property
    def low(self) -> float:
        """Minus infinity; mu if sigma is 0."""
        return float(self.mu) if self.sigma == 0 else -inf

    @property
    def high(self) -> float:
        """Infinity; mu if sigma is 0."""
        return float(self.mu) if self.sigma == 0 else inf

    def quantile(self, u: float) -> float:
        """Return the quantile at u, which is clipped away from 0 and 1."""
        if self.sigma == 0:
            return float(self.mu)
        return self.mu + self.sigma * _STANDARD_NORMAL.inv_cdf(_within(u, _U_MIN, _U_MAX))

    def cdf(self, x: float) -> float:
        """Return the cumulative probability at x."""
        if self.sigma == 0:
            return 0.5
        # `erfc`, unlike the library's `erf`, keeps the digits of small probabilities.
        return 0.5 * erfc((self.mu - x) / self.sigma / _SQRT_2)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormal(Normal):
    """Exponential of a normal variable; mu and sigma describe the logarithm."""

    name: ClassVar[str] = "log_normal"

    @property
    def low(self) -> float:
        """Zero; exp(mu) if sigma is 0."""
        return exp(self.mu) if self.sigma == 0 else 0.0

    @property
    def high(self) -> float:
        """Infinity; exp(mu) if sigma is 0."""
        return exp(self.mu) if self.sigma == 0 else inf

    def quantile(self, u: float) -> float:
        """Return the quantile at u, which is clipped away from 0 and 1."""
        return exp(Normal.quantile(self, u))

    def cdf(self, x: float) -> float:
        """Return the cumulative probability at x."""
        return Normal.cdf(self, log(x)) if x > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Beta(Real):
    """Beta(a, b) on [0, 1]."""

    name: ClassVar[str] = "beta"
    a: Number = 1
    b: Number = 1

    @property
    def low(self) -> float:
        """Zero."""
        return 0.0

    @property
    def high(self) -> float:
        """One."""
        return 1.0

    def quantile(self, u: float) -> float:
        """Return the quantile at u."""
        return beta_quantile(u, float(self.a), float(self.b))

    def cdf(self, x: float) -> float:
        """Return the cumulative probability at x."""
        return beta_cdf(x, float(self.a), float(self.b))


def _within(value: float, low: float, high: float) -> float:
    """Return the value, clipped to bounds that rounding may have exceeded."""
    return min(max(value, low), high)
