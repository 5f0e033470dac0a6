"""When something is decided: intervals are measured on one clock, display times come from the other."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time on both clocks.

    Args:
        monotonic: seconds; everything that expires is measured with it.
        wall: microseconds since 1970, UTC; for people, never compared.
    """

    monotonic: float
    wall: int
