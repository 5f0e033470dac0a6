"""Distributions whose values are multiples of `q` inside the bounds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, isfinite
from typing import overload

from sweepd.spec.distributions.continuous import (
    Beta,
    LogNormal,
    LogUniform,
    LogUniformValues,
    Normal,
    Uniform,
)
from sweepd.spec.point import Json, Number, is_number

Shape = Uniform | LogUniform | LogUniformValues | Normal | LogNormal | Beta


@dataclass(frozen=True, slots=True)
class Steps(Sequence[Number]):
    """Lazy sequence `offset + k·step` for k = first, first + 1, …, rounded to `decimals` digits."""

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
        return rounded(self.offset + (self.first + position) * self.step, self.decimals)


@dataclass(frozen=True, slots=True)
class Lattice:
    """Multiples k·q that a quantised distribution can draw.

    `first` and `last` are the lowest and the highest k, None if unbounded.
    """

    q: Number
    first: int | None
    last: int | None
    decimals: int

    @classmethod
    def within(cls, low: Number, high: Number, q: Number) -> "Lattice":
        """Return the multiples inside [low, high]; if there are none, those nearest to the bounds."""
        first, last = ceil(exact(low) / exact(q)), floor(exact(high) / exact(q))
        if first > last:
            first, last = round(exact(low) / exact(q)), round(exact(high) / exact(q))
        return cls(q, first, last, decimals(q))

    def number(self, x: float) -> int:
        """Return the k of the multiple nearest to `x`, half to even, within `first` and `last`."""
        k = round(x / self.q)
        if self.first is not None:
            k = max(k, self.first)
        return k if self.last is None else min(k, self.last)

    def value(self, k: int) -> Number:
        """Return k·q: an integer if q is an integer, else a float with as many decimals as q."""
        return rounded(k * self.q, self.decimals)

    def values(self) -> Steps | None:
        """Return all multiples in ascending order, or None if they are unbounded."""
        if self.first is None or self.last is None:
            return None
        return Steps(0, self.q, self.first, self.last - self.first + 1, self.decimals)


def rounded(number: Number, digits: int) -> Number:
    """Return a float rounded to `digits` decimals, an integer unchanged."""
    return number if isinstance(number, int) else round(number, digits) + 0.0


def exact(number: Number) -> Fraction:
    """Return the exact decimal value of a number as written: 0.1 is a tenth, so that 3·0.1 is 0.3."""
    return Fraction(repr(number))


def decimals(number: Number) -> int:
    """Return the number of digits after the decimal point of a number as written."""
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantised:
    """Continuous distribution whose values are rounded to multiples of `q`: integers if `q` is an integer."""

    shape: Shape
    q: Number
    _lattice: Lattice = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lattice", _lattice_of(self.shape, self.q))

    @property
    def name(self) -> str:
        """Name of the distribution in a file."""
        return f"q_{self.shape.name}"

    @property
    def support(self) -> Steps | None:
        """The values that can be drawn, in ascending order, or None if unbounded."""
        return self._lattice.values()

    @property
    def grid_values(self) -> Steps | None:
        """Grid values min, min + q, … below max, not always multiples of q; None except for `q_uniform`."""
        if type(self.shape) is not Uniform:
            return None
        low, high = self.shape.min, self.shape.max
        count = ceil((exact(high) - exact(low)) / exact(self.q))
        return Steps(low, self.q, 0, count, max(decimals(low), decimals(self.q)))

    @property
    def bounds(self) -> tuple[Number | None, Number | None]:
        """The lowest and the highest value that can be drawn, each None if unbounded."""
        first, last = self._lattice.first, self._lattice.last
        low = None if first is None else self._lattice.value(first)
        return low, None if last is None else self._lattice.value(last)

    @property
    def is_integer(self) -> bool:
        """True if draws are integers, not floats."""
        return isinstance(self.q, int)

    def quantile(self, u: float) -> Number:
        """Return round(X/q)·q for the unrounded quantile X, within the bounds."""
        return self._lattice.value(self._lattice.number(self.shape.quantile(u)))

    def to_unit(self, value: Json) -> float:
        """Return the midpoint of a value's probability interval; raise ValueError if it is not a number."""
        if not is_number(value):
            raise ValueError(f"{value!r} is not a number")
        lattice = self._lattice
        k = lattice.number(value)
        low = 0.0 if k == lattice.first else self.shape.cdf((k - 0.5) * self.q)
        high = 1.0 if k == lattice.last else self.shape.cdf((k + 0.5) * self.q)
        return min(max((low + high) / 2.0, 0.0), 1.0)

    def contains(self, value: Json) -> bool:
        """Return True if a value is in the grid or can be drawn; with an integer q, no float can be drawn."""
        if not is_number(value) or not isfinite(value):
            return False
        if not self.is_integer or isinstance(value, int):
            nearest = self._lattice.value(self._lattice.number(value))
            if abs(nearest - value) <= 1e-9 * abs(self.q):
                return True
        return is_in_steps(self.grid_values or (), value)


def _lattice_of(shape: Shape, q: Number) -> Lattice:
    match shape:
        case Normal(sigma=0):
            only, _ = shape.ends
            k = round(only / q)
            return Lattice(q, k, k, decimals(q))
        case Normal():
            return Lattice(q, 0 if isinstance(shape, LogNormal) else None, None, decimals(q))
        case Beta():
            return Lattice.within(0, 1, q)
        case LogUniform():
            # Round the bounds: exp of a bound written as ln 10 may be just below 10.
            low, high = (float(f"{end:.12g}") for end in shape.ends)
            return Lattice.within(low, high, q)
        case Uniform():
            return Lattice.within(shape.min, shape.max, q)


def is_in_steps(values: Sequence[Number], value: Json) -> bool:
    """Return True if a value is in an evenly spaced sequence, in constant time."""
    if not is_number(value) or not isfinite(value) or not values:
        return False
    index = round((value - values[0]) / (values[1] - values[0])) if len(values) > 1 else 0
    same_type = isinstance(values[0], float) or isinstance(value, int)
    return same_type and 0 <= index < len(values) and abs(values[index] - value) <= 1e-9 * abs(value or 1)
