"""An even share of the runs of a sweep, for what need not look at all of them."""

from dataclasses import dataclass

FACTOR = 2_654_435_761
"""2^32 divided by the golden ratio: its multiples, modulo 2^32, lie evenly, those of every n-th number, too.

Knuth, "The art of computer programming", volume 3 (1998), 6.4. Every n-th number itself would not do: in a
grid those may all have the same value of a parameter.
"""

_WHOLE = 2**32


@dataclass(frozen=True, slots=True)
class Share:
    """The runs whose number times FACTOR, modulo 2^32, is below `below`."""

    below: int

    @classmethod
    def of(cls, most: int, total: int) -> "Share":
        """Return the share that has about `most` of so many runs; all, if they are not more."""
        return cls(_WHOLE if total <= most else most * _WHOLE // total)

    def has(self, number: int) -> bool:
        """Whether a run is in it; prior runs count by what their negative number is without its sign."""
        return abs(number) * FACTOR % _WHOLE < self.below


def evenly_ordered(count: int) -> list[int]:
    """Return the places from 0 to `count - 1` in such an order that those up to any are an even share."""
    return sorted(range(count), key=lambda place: place * FACTOR % _WHOLE)
