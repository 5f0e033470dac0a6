"""Distributions whose values are multiples of `q`, counted from zero and kept inside the bounds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import ceil, exp, floor, isfinite
from typing import ClassVar, overload

from sweepd.spec.distributions.continuous import (
    Beta,
    LogNormal,
    LogUniform,
    LogUniformValues,
    Normal,
    Real,
    Uniform,
)
from sweepd.spec.point import Json, Number, is_number


@dataclass(frozen=True, slots=True)
class Steps(Sequence[Number]):
    """Lazy sequence `offset + k·step` for k = first, first + 1, …, rounded to `decimals`."""

    offset: Number
    step: Number
    first: int
    length: int
    decimals: int

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> Number: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Number]: ...
    def __getitem__(self, index: int | slice) -> Number | Sequence[Number]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(self.length))]
        position = index + self.length if index < 0 else index
        if not 0 <= position < self.length:
            raise IndexError(index)
        return self.value(self.first + position)

    def value(self, k: int) -> Number:
        """Return the value for k, even if k is outside the sequence."""
        value = self.offset + k * self.step
        return value if isinstance(value, int) else round(value, self.decimals) + 0.0


@dataclass(frozen=True, slots=True)
class Lattice:
    """Multiples of `q`, counted from zero, that a quantised distribution can draw.

    `first` and `last` are the lowest and highest factor of `q`, None if unbounded.
    """

    q: Number
    first: int | None
    last: int | None
    decimals: int

    @classmethod
    def within(cls, low: Number, high: Number, q: Number) -> "Lattice":
        """Return the multiples inside [low, high], or if there are none, those that rounding can reach."""
        first, last = ceil(exact(low) / exact(q)), floor(exact(high) / exact(q))
        if first > last:
            first, last = round(exact(low) / exact(q)), round(exact(high) / exact(q))
        return cls(q, first, last, decimals(q))

    def number(self, x: float) -> int:
        """Return the factor of the multiple nearest to `x`, rounding half to even, clipped to the bounds."""
        k = round(x / self.q)
        if self.first is not None:
            k = max(k, self.first)
        return k if self.last is None else min(k, self.last)

    def value(self, k: int) -> Number:
        """Return k·q: an integer if q is an integer, else a float with the decimals of q."""
        return self._steps().value(k)

    def values(self) -> Steps | None:
        """Return all multiples in ascending order, or None if they are unbounded."""
        return None if self.first is None or self.last is None else self._steps()

    def _steps(self) -> Steps:
        first = self.first or 0
        count = 0 if self.last is None else self.last - first + 1
        zero = 0 if isinstance(self.q, int) else 0.0
        return Steps(zero, self.q, first, count, self.decimals)


def steps_below(low: Number, high: Number, q: Number) -> Steps:
    """Return low, low + q, … below `high`: the grid of a quantised range."""
    count = ceil((exact(high) - exact(low)) / exact(q))
    return Steps(low, q, 0, count, max(decimals(low), decimals(q)))


def exact(number: Number) -> Fraction:
    """Return the exact decimal value of a number as written: 0.1 is a tenth, so that 3·0.1 is 0.3."""
    return Fraction(repr(number))


def decimals(number: Number) -> int:
    """Return the number of decimals that a number is written with."""
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


class _Quantised(Real):
    """Mixin that rounds the values of a continuous distribution to `_lattice`. Not a type to depend on."""

    __slots__ = ()
    _lattice: Lattice

    @property
    def size(self) -> int | None:
        """Number of values, or None if unbounded."""
        support = self.support
        return None if support is None else len(support)

    @property
    def support(self) -> Steps | None:
        """The values that can be drawn, in ascending order, or None if unbounded."""
        return self._lattice.values()

    @property
    def grid_values(self) -> Steps | None:
        """None: among quantised distributions, a grid enumerates `q_uniform` only."""
        return None

    @property
    def bounds(self) -> tuple[Number | None, Number | None]:
        """The lowest and the highest value that can be drawn, each None if unbounded."""
        first, last = self._lattice.first, self._lattice.last
        low = None if first is None else self._lattice.value(first)
        return low, None if last is None else self._lattice.value(last)

    @property
    def is_integer(self) -> bool:
        """True if the values are integers, not floats."""
        return isinstance(self._lattice.q, int)

    def quantile(self, u: float) -> Number:
        """Return round(X/q)·q for the unrounded quantile X, within the bounds."""
        unrounded = super().quantile(u)  # type: ignore[safe-super]  # the continuous distribution's
        return self._lattice.value(self._lattice.number(unrounded))

    def to_unit(self, value: Json) -> float:
        """Return the midpoint of a value's probability interval; raise ValueError if it is not a number."""
        if not is_number(value):
            raise ValueError(f"{value!r} is not a number")
        lattice = self._lattice
        k = lattice.number(value)
        low = 0.0 if k == lattice.first else self.cdf((k - 0.5) * lattice.q)
        high = 1.0 if k == lattice.last else self.cdf((k + 0.5) * lattice.q)
        return min(max((low + high) / 2.0, 0.0), 1.0)

    def contains(self, value: Json) -> bool:
        """Return True if a value is one of the multiples, and an integer if q is an integer."""
        if not is_number(value) or not isfinite(value):
            return False
        if self.is_integer and not isinstance(value, int):
            return False
        nearest = self._lattice.value(self._lattice.number(value))
        return abs(nearest - value) <= 1e-9 * abs(self._lattice.q)


@dataclass(frozen=True, slots=True, kw_only=True)
class QUniform(_Quantised, Uniform):
    """Uniform distribution, rounded to multiples of q."""

    name: ClassVar[str] = "q_uniform"
    q: Number
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lattice", Lattice.within(self.min, self.max, self.q))

    @property
    def grid_values(self) -> Steps:
        """min, min + q, …, excluding max; counted from min, unlike drawn values."""
        return steps_below(self.min, self.max, self.q)

    def contains(self, value: Json) -> bool:
        """Return True if a value can be drawn, or is in the grid."""
        return _Quantised.contains(self, value) or stands_in(self.grid_values, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class QLogUniform(_Quantised, LogUniform):
    """`log_uniform` (the bounds are exponents), rounded to multiples of q (deprecated)."""

    name: ClassVar[str] = "q_log_uniform"
    q: Number
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        low, high = (float(f"{exp(exponent):.12g}") for exponent in (self.min, self.max))
        # Rounded, so that an exponent meant as ln 10 does not lose the multiple 10 to the last bit.
        object.__setattr__(self, "_lattice", Lattice.within(low, high, self.q))


@dataclass(frozen=True, slots=True, kw_only=True)
class QLogUniformValues(_Quantised, LogUniformValues):
    """`log_uniform_values`, rounded to multiples of q."""

    name: ClassVar[str] = "q_log_uniform_values"
    q: Number
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lattice", Lattice.within(self.min, self.max, self.q))


@dataclass(frozen=True, slots=True, kw_only=True)
class QNormal(_Quantised, Normal):
    """Normal distribution, rounded to multiples of q."""

    name: ClassVar[str] = "q_normal"
    q: Number = 1.0
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lattice", _around(self, self.q, lowest=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class QLogNormal(_Quantised, LogNormal):
    """Log-normal distribution, rounded to multiples of q."""

    name: ClassVar[str] = "q_log_normal"
    q: Number = 1.0
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lattice", _around(self, self.q, lowest=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class QBeta(_Quantised, Beta):
    """Beta distribution, rounded to multiples of q."""

    name: ClassVar[str] = "q_beta"
    q: Number = 1.0
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lattice", Lattice.within(0, 1, self.q))


def _around(shape: Normal, q: Number, *, lowest: int | None) -> Lattice:
    """Return all multiples of q from `lowest` on, or only the one nearest to the constant if sigma is 0."""
    if shape.sigma == 0:
        k = round(shape.low / q)
        return Lattice(q, k, k, decimals(q))
    return Lattice(q, lowest, None, decimals(q))


def stands_in(values: Sequence[Number], value: Json) -> bool:
    """Return True if a value is in an evenly spaced sequence; take constant time."""
    if not is_number(value) or not isfinite(value) or not values:
        return False
    index = round((value - values[0]) / (values[1] - values[0])) if len(values) > 1 else 0
    same_type = isinstance(values[0], float) or isinstance(value, int)
    return same_type and 0 <= index < len(values) and abs(values[index] - value) <= 1e-9 * abs(value or 1)
