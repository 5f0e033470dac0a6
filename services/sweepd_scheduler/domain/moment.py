"""When something is decided: intervals are measured on one clock, display times come from the other."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time on both clocks, and what is random in the decisions that are made then.

    Args:
        monotonic: seconds; everything that expires is measured with it.
        wall: microseconds since 1970, UTC; for people, never compared.
        entropy: random bytes, 16 to 64, that nobody else knows; secrets are made from them.
    """

    monotonic: float
    wall: int
    entropy: bytes = field(repr=False)
