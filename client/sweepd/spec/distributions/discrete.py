"""Distributions over listed values and integers."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil
from typing import ClassVar

from sweepd.spec.point import Json, canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A single value; points contain it, but it is not a dimension of the search."""

    name: ClassVar[str] = "constant"
    value: Json

    @property
    def support(self) -> Sequence[Json]:
        """The only value that can be drawn."""
        return (self.value,)

    def quantile(self, u: float) -> Json:
        """Return the value."""
        return self.value

    def to_unit(self, value: Json) -> float:
        """Return 0.5, the middle of the unit interval."""
        return 0.5

    def contains(self, value: Json) -> bool:
        """Return True if a value equals the constant."""
        return _key(value) == _key(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """Base class of the distributions over listed values; callers use the type `Distribution` instead."""

    values: tuple[Json, ...]
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def contains(self, value: Json) -> bool:
        """Return True if a value is listed."""
        return _key(value) in self._places

    def _place(self, value: Json) -> int:
        place = self._places.get(_key(value) or "")
        if place is None:
            raise ValueError(f"{value!r} is none of the listed values")
        return place


@dataclass(frozen=True, slots=True, kw_only=True)
class Categorical(_Choice):
    """Listed values of any type, all equally likely; a value listed twice is drawn twice as often."""

    name: ClassVar[str] = "categorical"

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", _first_places(self.values))

    @property
    def support(self) -> Sequence[Json]:
        """The distinct values that can be drawn, in the order written."""
        if len(self._places) == len(self.values):
            return self.values
        return tuple(self.values[place] for place in self._places.values())

    def quantile(self, u: float) -> Json:
        """Return the value at index ceil(u·n) - 1."""
        return self.values[_equal_share(u, len(self.values))]

    def to_unit(self, value: Json) -> float:
        """Return the midpoint of a value's probability interval; raise ValueError if it is not listed."""
        return (self._place(value) + 0.5) / len(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedCategorical(_Choice):
    """Listed values, each with its own probability."""

    name: ClassVar[str] = "categorical_w_probabilities"
    probabilities: tuple[float, ...]
    _cumulative: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", _first_places(self.values, self.probabilities))
        object.__setattr__(self, "_cumulative", tuple(accumulate(self.probabilities)))

    @property
    def support(self) -> Sequence[Json]:
        """The distinct values with a probability above zero, in the order written."""
        return tuple(self.values[place] for place in self._places.values() if self.probabilities[place] > 0)

    def quantile(self, u: float) -> Json:
        """Return the first value whose cumulative probability exceeds u."""
        place = bisect_right(self._cumulative, u)
        if place == len(self.values):  # the probabilities may sum to slightly less than one
            place = max(index for index, share in enumerate(self.probabilities) if share > 0)
        return self.values[place]

    def to_unit(self, value: Json) -> float:
        """Return the midpoint of a value's probability interval; raise ValueError if it is not listed."""
        place = self._place(value)
        return min(1.0, self._cumulative[place] - self.probabilities[place] / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntUniform:
    """The integers from min to max, both included, with equal probability."""

    name: ClassVar[str] = "int_uniform"
    min: int
    max: int

    @property
    def support(self) -> Sequence[Json]:
        """The integers, as a range."""
        return range(self.min, self.max + 1)

    def quantile(self, u: float) -> int:
        """Return min + ceil(u·n) - 1."""
        return self.min + _equal_share(u, self.max - self.min + 1)

    def to_unit(self, value: Json) -> float:
        """Return the midpoint of an integer's probability interval; raise ValueError for any other value."""
        if not isinstance(value, int) or not self.contains(value):
            raise ValueError(f"{value!r} is not an integer from {self.min} to {self.max}")
        return (value - self.min + 0.5) / (self.max - self.min + 1)

    def contains(self, value: Json) -> bool:
        """Return True if a value is one of the integers; 3.0 is not."""
        return isinstance(value, int) and not isinstance(value, bool) and self.min <= value <= self.max


def _equal_share(u: float, count: int) -> int:
    return min(max(ceil(u * count) - 1, 0), count - 1)


def _key(value: Json) -> str | None:
    """Return the comparison key of a value; None for NaN and infinities, which are never listed."""
    try:
        return canonical_json(value)
    except ValueError:
        return None


def _first_places(values: Sequence[Json], shares: Sequence[float] | None = None) -> dict[str, int]:
    """Return the first index of each distinct value, preferring one with a probability above zero."""
    places: dict[str, int] = {}
    for place, value in enumerate(values):
        known = places.setdefault(canonical_json(value), place)
        if shares is not None and shares[known] == 0 < shares[place]:
            places[canonical_json(value)] = place
    return places
