"""Distributions whose values are multiples of `q`, counted from zero and kept inside the bounds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, isfinite
from typing import ClassVar, Protocol

from sweepd.spec.distributions.continuous import (
    Beta,
    LogNormal,
    LogUniform,
    LogUniformValues,
    Normal,
    Uniform,
)
from sweepd.spec.distributions.lattice import Lattice, Steps, steps_below
from sweepd.spec.point import Json, Number, is_number


class _Continuous(Protocol):
    """Distribution that is rounded."""

    def quantile(self, u: float) -> float: ...

    def cdf(self, x: float) -> float: ...


class _Quantised:
    """Mixin: rounds the values of `_shape` to `_lattice`. Not a type to depend on."""

    __slots__ = ()
    _shape: _Continuous
    _lattice: Lattice

    @property
    def size(self) -> int | None:
        """Number of values, None where there is no end to them."""
        support = self.support
        return None if support is None else len(support)

    @property
    def support(self) -> Steps | None:
        """The values that can be drawn, in rising order; None where there is no end to them."""
        return self._lattice.values()

    @property
    def grid_values(self) -> Steps | None:
        """Nothing: of the quantised ones a grid goes through `q_uniform` only."""
        return None

    @property
    def bounds(self) -> tuple[Number | None, Number | None]:
        """The lowest and the highest value that can be drawn; None where there is none."""
        first, last = self._lattice.first, self._lattice.last
        low = None if first is None else self._lattice.value(first)
        return low, None if last is None else self._lattice.value(last)

    @property
    def is_integer(self) -> bool:
        """Tell whether the values are integers, not floats."""
        return isinstance(self._lattice.q, int)

    def quantile(self, u: float) -> Number:
        """Return R(X/q)·q for the quantile X of what is rounded, within the bounds."""
        return self._lattice.value(self._lattice.number(self._shape.quantile(u)))

    def to_unit(self, value: Json) -> float:
        """Return the middle of the share that is rounded to a value; ValueError if it is no number."""
        if not is_number(value):
            raise ValueError(f"{value!r} is no number")
        lattice = self._lattice
        k = lattice.number(value)
        low = 0.0 if k == lattice.first else self._shape.cdf((k - 0.5) * lattice.q)
        high = 1.0 if k == lattice.last else self._shape.cdf((k + 0.5) * lattice.q)
        return min(max((low + high) / 2.0, 0.0), 1.0)

    def contains(self, value: Json) -> bool:
        """Tell whether a value is one of the multiples, and an integer where those are."""
        if not is_number(value) or not isfinite(value):
            return False
        if self.is_integer and not isinstance(value, int):
            return False
        nearest = self._lattice.value(self._lattice.number(value))
        return abs(nearest - value) <= 1e-9 * abs(self._lattice.q)


@dataclass(frozen=True, slots=True, kw_only=True)
class QUniform(_Quantised):
    """A uniform value, rounded."""

    name: ClassVar[str] = "q_uniform"
    min: Number
    max: Number
    q: Number
    _shape: Uniform = field(init=False, repr=False, compare=False)
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shape", Uniform(min=self.min, max=self.max))
        object.__setattr__(self, "_lattice", Lattice.within(self.min, self.max, self.q))

    @property
    def grid_values(self) -> Steps:
        """min, min + q, … below max, which is not among them: counted from min, unlike what is drawn."""
        return steps_below(self.min, self.max, self.q)

    def contains(self, value: Json) -> bool:
        """Tell whether a value can be drawn, or is one that a grid goes through."""
        return _Quantised.contains(self, value) or stands_in(self.grid_values, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class QLogUniform(_Quantised):
    """A `log_uniform` value (the bounds are exponents), rounded (deprecated)."""

    name: ClassVar[str] = "q_log_uniform"
    min: Number
    max: Number
    q: Number
    _shape: LogUniform = field(init=False, repr=False, compare=False)
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shape", LogUniform(min=self.min, max=self.max))
        low, high = (float(f"{exp(exponent):.12g}") for exponent in (self.min, self.max))
        # Rounded, so that an exponent meant as ln 10 does not lose the multiple 10 to the last bit.
        object.__setattr__(self, "_lattice", Lattice.within(low, high, self.q))


@dataclass(frozen=True, slots=True, kw_only=True)
class QLogUniformValues(_Quantised):
    """A `log_uniform_values` value, rounded."""

    name: ClassVar[str] = "q_log_uniform_values"
    min: Number
    max: Number
    q: Number
    _shape: LogUniformValues = field(init=False, repr=False, compare=False)
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shape", LogUniformValues(min=self.min, max=self.max))
        object.__setattr__(self, "_lattice", Lattice.within(self.min, self.max, self.q))


@dataclass(frozen=True, slots=True, kw_only=True)
class QNormal(_Quantised):
    """A normal value, rounded."""

    name: ClassVar[str] = "q_normal"
    mu: Number = 0
    sigma: Number = 1
    q: Number = 1.0
    _shape: Normal = field(init=False, repr=False, compare=False)
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shape", Normal(mu=self.mu, sigma=self.sigma))
        object.__setattr__(self, "_lattice", _around(self._shape, self.q, lowest=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class QLogNormal(_Quantised):
    """A log-normal value, rounded."""

    name: ClassVar[str] = "q_log_normal"
    mu: Number = 0
    sigma: Number = 1
    q: Number = 1.0
    _shape: LogNormal = field(init=False, repr=False, compare=False)
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shape", LogNormal(mu=self.mu, sigma=self.sigma))
        object.__setattr__(self, "_lattice", _around(self._shape, self.q, lowest=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class QBeta(_Quantised):
    """A beta value, rounded."""

    name: ClassVar[str] = "q_beta"
    a: Number = 1
    b: Number = 1
    q: Number = 1.0
    _shape: Beta = field(init=False, repr=False, compare=False)
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shape", Beta(a=self.a, b=self.b))
        object.__setattr__(self, "_lattice", Lattice.within(0, 1, self.q))


def _around(shape: Normal | LogNormal, q: Number, *, lowest: int | None) -> Lattice:
    """Return the multiples an unbounded shape can give: all, or only the nearest one where sigma is 0."""
    if shape.sigma == 0:
        k = round(shape.quantile(0.5) / q)
        return Lattice(q=q, first=k, last=k, decimals=Lattice.unbounded(q).decimals)
    return Lattice.unbounded(q, first=lowest)


def stands_in(values: Sequence[Number], value: Json) -> bool:
    """Tell whether a value is one of evenly spaced ones, however many there are."""
    if not is_number(value) or not isfinite(value) or not values:
        return False
    index = round((value - values[0]) / (values[1] - values[0])) if len(values) > 1 else 0
    same_type = isinstance(values[0], float) or isinstance(value, int)
    return same_type and 0 <= index < len(values) and abs(values[index] - value) <= 1e-9 * abs(value or 1)
