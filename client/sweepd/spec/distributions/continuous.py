"""Distributions over real numbers. Logarithms are natural."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import erfc, exp, inf, isfinite, log, sqrt
from statistics import NormalDist
from typing import ClassVar, Final

from sweepd.spec.distributions.beta import beta_cdf, beta_quantile
from sweepd.spec.point import Json, Number, is_number


class Real(ABC):
    """Membership, and the absence of a list of values. A mixin, not a type to depend on."""

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
        """None: there are more values than can be counted; 1 where only one can be drawn."""
        return 1 if self.low == self.high else None

    @property
    def support(self) -> tuple[float, ...] | None:
        """None, or the only value."""
        return (self.low,) if self.low == self.high else None

    @property
    def grid_values(self) -> None:
        """Nothing: a grid cannot go through real numbers."""
        return

    @abstractmethod
    def cdf(self, x: float) -> float:
        """Return the probability of a value of at most x."""

    def to_unit(self, value: Json) -> float:
        """Return the share of the distribution below a value; ValueError if it is not a number."""
        if not is_number(value):
            raise ValueError(f"{value!r} is not a number")
        return min(max(self.cdf(value), 0.0), 1.0)

    def contains(self, value: Json) -> bool:
        """Tell whether a value is a finite number within the bounds; 1 counts as 1.0."""
        return is_number(value) and isfinite(value) and self.low <= value <= self.high


_STANDARD_NORMAL: Final = NormalDist()
_SQRT_2: Final = sqrt(2.0)
_U_MIN: Final = 2.0**-54
_U_MAX: Final = 1.0 - 2.0**-53


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform(Real):
    """min + u·(max - min)."""

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
        """Return the value below which a share u lies."""
        return _within(self.low + u * (self.high - self.low), self.low, self.high)

    def cdf(self, x: float) -> float:
        """Return the share below x."""
        return (x - self.low) / (self.high - self.low)


class _LogUniform(Real):
    """The logarithm is uniform between two exponents."""

    __slots__ = ()

    @property
    @abstractmethod
    def exponents(self) -> tuple[float, float]:
        """The logarithms of the bounds."""

    @property
    def low(self) -> float:
        """The lowest value."""
        return exp(self.exponents[0])

    @property
    def high(self) -> float:
        """The highest value."""
        return exp(self.exponents[1])

    def quantile(self, u: float) -> float:
        """Return the value below which a share u lies."""
        low, high = self.exponents
        return _within(exp(low + u * (high - low)), self.low, self.high)

    def cdf(self, x: float) -> float:
        """Return the share below x."""
        low, high = self.exponents
        return (log(x) - low) / (high - low) if x > 0 else 0.0


class _LogUniformBetween(_LogUniform):
    """Log-uniform distribution between two values."""

    __slots__ = ()
    min: Number
    max: Number

    @property
    def exponents(self) -> tuple[float, float]:
        """The logarithms of the bounds."""
        return log(self.min), log(self.max)

    @property
    def low(self) -> float:
        """The lower bound, exactly as written."""
        return float(self.min)

    @property
    def high(self) -> float:
        """The upper bound, exactly as written."""
        return float(self.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogUniform(_LogUniform):
    """exp(min + u·(max - min)): the bounds are exponents (deprecated)."""

    name: ClassVar[str] = "log_uniform"
    min: Number
    max: Number

    @property
    def exponents(self) -> tuple[float, float]:
        """The bounds as written."""
        return float(self.min), float(self.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogUniformValues(_LogUniformBetween):
    """Uniform in the logarithm between two values."""

    name: ClassVar[str] = "log_uniform_values"
    min: Number
    max: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class InvLogUniform(_LogUniform):
    """ln(1/X) is uniform in [min, max] (deprecated)."""

    name: ClassVar[str] = "inv_log_uniform"
    min: Number
    max: Number

    @property
    def exponents(self) -> tuple[float, float]:
        """The bounds, turned round."""
        return -float(self.max), -float(self.min)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvLogUniformValues(_LogUniformBetween):
    """ln(1/X) is uniform between ln(1/max) and ln(1/min): the same as `log_uniform_values`."""

    name: ClassVar[str] = "inv_log_uniform_values"
    min: Number
    max: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal(Real):
    """mu + sigma·Φ⁻¹(u); with sigma 0 the constant mu."""

    name: ClassVar[str] = "normal"
    mu: Number = 0
    sigma: Number = 1

    @property
    def low(self) -> float:
        """Minus infinity, mu where sigma is 0."""
        return float(self.mu) if self.sigma == 0 else -inf

    @property
    def high(self) -> float:
        """Infinity, mu where sigma is 0."""
        return float(self.mu) if self.sigma == 0 else inf

    def quantile(self, u: float) -> float:
        """Return the value below which a share u lies; u is kept off 0 and 1."""
        return _normal_quantile(u, self.mu, self.sigma)

    def cdf(self, x: float) -> float:
        """Return the share below x."""
        return _normal_cdf(x, self.mu, self.sigma)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormal(Real):
    """The exponential of a normal variable; mu and sigma are those of the logarithm."""

    name: ClassVar[str] = "log_normal"
    mu: Number = 0
    sigma: Number = 1

    @property
    def low(self) -> float:
        """Zero, exp(mu) where sigma is 0."""
        return exp(self.mu) if self.sigma == 0 else 0.0

    @property
    def high(self) -> float:
        """Infinity, exp(mu) where sigma is 0."""
        return exp(self.mu) if self.sigma == 0 else inf

    def quantile(self, u: float) -> float:
        """Return the value below which a share u lies; u is kept off 0 and 1."""
        return exp(_normal_quantile(u, self.mu, self.sigma))

    def cdf(self, x: float) -> float:
        """Return the share below x."""
        return _normal_cdf(log(x), self.mu, self.sigma) if x > 0 else 0.0


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
        """Return the value below which a share u lies."""
        return beta_quantile(u, float(self.a), float(self.b))

    def cdf(self, x: float) -> float:
        """Return the share below x."""
        return beta_cdf(x, float(self.a), float(self.b))


def _within(value: float, low: float, high: float) -> float:
    """Return the value without what rounding has put beyond a bound."""
    return min(max(value, low), high)


def _normal_quantile(u: float, mu: float, sigma: float) -> float:
    if sigma == 0:
        return float(mu)
    return mu + sigma * _STANDARD_NORMAL.inv_cdf(_within(u, _U_MIN, _U_MAX))


def _normal_cdf(x: float, mu: float, sigma: float) -> float:
    if sigma == 0:
        return 0.5
    # By erfc, not by the library's erf: small shares keep their digits.
    return 0.5 * erfc((mu - x) / sigma / _SQRT_2)
