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
    """Base class of the distributions over real numbers; callers use the type `Distribution` instead."""

    __slots__ = ()

    @property
    @abstractmethod
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value."""

    @property
    def support(self) -> Sequence[Number] | None:
        """None, since the values are uncountable; if the bounds are equal, the only value."""
        low, high = self.ends
        return (low,) if low == high else None

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
        low, high = self.ends
        return is_number(value) and isfinite(value) and low <= value <= high


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
    def ends(self) -> tuple[float, float]:
        """The bounds."""
        return float(self.min), float(self.max)

    def quantile(self, u: float) -> float:
        """Return the quantile at u."""
        low, high = self.ends
        return _within(low + u * (high - low), low, high)

    def cdf(self, x: float) -> float:
        """Return the cumulative probability at x."""
        low, high = self.ends
        return (x - low) / (high - low)


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
        return _within(exp(low + u * (high - low)), *self.ends)

    def cdf(self, x: float) -> float:
        """Return the cumulative probability at x."""
        low, high = self.exponents
        return (log(x) - low) / (high - low) if x > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InvLogUniformValues(LogUniformValues):
    """Distribution where ln(1/X) is uniform between ln(1/max) and ln(1/min): the same as its base class."""

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
    def ends(self) -> tuple[float, float]:
        """The bounds of the values: exp of each exponent."""
        low, high = self.exponents
        return exp(low), exp(high)


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
    def ends(self) -> tuple[float, float]:
        """Minus and plus infinity; if sigma is 0, both are mu."""
        return (float(self.mu), float(self.mu)) if self.sigma == 0 else (-inf, inf)

    def quantile(self, u: float) -> float:
        """Return the quantile at u, after clipping u away from 0 and 1."""
        if self.sigma == 0:
            return float(self.mu)
        return self.mu + self.sigma * _STANDARD_NORMAL.inv_cdf(_within(u, _U_MIN, _U_MAX))

    def cdf(self, x: float) -> float:
        """Return the cumulative probability at x; 0.5 if sigma is 0."""
        if self.sigma == 0:
            return 0.5
        # `erfc`, unlike the library's `erf`, keeps the digits of small probabilities.
        return 0.5 * erfc((self.mu - x) / self.sigma / _SQRT_2)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormal(Normal):
    """Exponential of a normal variable; mu and sigma describe the logarithm."""

    name: ClassVar[str] = "log_normal"

    @property
    def ends(self) -> tuple[float, float]:
        """Zero and infinity; if sigma is 0, both are exp(mu)."""
        return (exp(self.mu), exp(self.mu)) if self.sigma == 0 else (0.0, inf)

    def quantile(self, u: float) -> float:
        """Return the quantile at u, after clipping u away from 0 and 1."""
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
    def ends(self) -> tuple[float, float]:
        """Zero and one."""
        return 0.0, 1.0

    def quantile(self, u: float) -> float:
        """Return the quantile at u."""
        return beta_quantile(u, float(self.a), float(self.b))

    def cdf(self, x: float) -> float:
        """Return the cumulative probability at x."""
        return beta_cdf(x, float(self.a), float(self.b))


def _within(value: float, low: float, high: float) -> float:
    """Clip a value to its bounds, which rounding may have exceeded."""
    return min(max(value, low), high)
