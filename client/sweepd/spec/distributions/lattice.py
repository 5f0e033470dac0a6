"""The multiples of `q`: which of them lie in a range, how they are written, and sequences of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import overload

from sweepd.spec.point import Number


@dataclass(frozen=True, slots=True)
class Steps(Sequence[Number]):
    """`offset + k·step` for k = first, first + 1, …, computed when asked for, rounded to `decimals`."""

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
        """Return the value of one k, also of one outside the sequence."""
        value = self.offset + k * self.step
        return value if isinstance(value, int) else round(value, self.decimals) + 0.0


@dataclass(frozen=True, slots=True)
class Lattice:
    """The multiples of `q`, counted from zero, that a quantised distribution can give.

    `first` and `last` are the numbers of the lowest and the highest one, None where there is no bound.
    """

    q: Number
    first: int | None
    last: int | None
    decimals: int

    @classmethod
    def within(cls, low: Number, high: Number, q: Number) -> "Lattice":
        """Return the multiples inside [low, high]; where there is none, those that rounding can reach."""
        first, last = ceil(exact(low) / exact(q)), floor(exact(high) / exact(q))
        if first > last:
            first, last = round(exact(low) / exact(q)), round(exact(high) / exact(q))
        return cls(q, first, last, decimals(q))

    @classmethod
    def unbounded(cls, q: Number, *, first: int | None = None) -> "Lattice":
        """Return all multiples, or those from number `first` on."""
        return cls(q, first, None, decimals(q))

    def number(self, x: float) -> int:
        """Return the number of the multiple nearest to `x`: halves go to the even one, then clipped."""
        k = round(x / self.q)
        if self.first is not None:
            k = max(k, self.first)
        return k if self.last is None else min(k, self.last)

    def value(self, k: int) -> Number:
        """Return multiple number k: an integer where q is one, else a float with the decimals of q."""
        return self._steps().value(k)

    def values(self) -> Steps | None:
        """Return all of them in rising order, None where there is no end to them."""
        return None if self.first is None or self.last is None else self._steps()

    def _steps(self) -> Steps:
        first = self.first or 0
        count = 0 if self.last is None else self.last - first + 1
        zero = 0 if isinstance(self.q, int) else 0.0
        return Steps(zero, self.q, first, count, self.decimals)


def steps_below(low: Number, high: Number, q: Number) -> Steps:
    """Return low, low + q, … below `high`, counted from `low`: what a grid makes of a quantised range."""
    count = ceil((exact(high) - exact(low)) / exact(q))
    return Steps(low, q, 0, count, max(decimals(low), decimals(q)))


def exact(number: Number) -> Fraction:
    """Return the number as it is written in decimals: 0.1 is a tenth here, so that 3·0.1 reaches 0.3."""
    return Fraction(repr(number))


def decimals(number: Number) -> int:
    """Return how many decimals a number is written with."""
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
