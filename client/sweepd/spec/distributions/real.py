"""What all distributions over real numbers share."""

from abc import ABC, abstractmethod
from math import isfinite

from sweepd.spec.point import Json, is_number


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
        """Return the share of the distribution below a value; ValueError if it is no number."""
        if not is_number(value):
            raise ValueError(f"{value!r} is no number")
        return min(max(self.cdf(value), 0.0), 1.0)

    def contains(self, value: Json) -> bool:
        """Tell whether a value is a finite number within the bounds; 1 counts as 1.0."""
        return is_number(value) and isfinite(value) and self.low <= value <= self.high
