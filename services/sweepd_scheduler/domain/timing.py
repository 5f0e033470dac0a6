"""Clock readings and timeouts."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class ClockReading:
    """A point in time on both clocks, and what is random in the decisions that are made then.

    Args:
        monotonic: seconds; everything that expires is measured with it.
        wall: microseconds since 1970, UTC; for people, never compared.
        entropy: random bytes, 16 to 64, that nobody else knows; secrets are made from them.
    """

    monotonic: float
    wall: int
    entropy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Intervals in seconds.

    Args:
        lease: after this silence an attempt is suspect.
        lost_after: after this silence, counted from the last message, it is lost.
        confirm: a hand-out that its agent does not confirm for this long returns.
        stop_grace: how long a process may live after SIGTERM.
    """

    lease: float = 30.0
    lost_after: float = 120.0
    confirm: float = 5.0
    stop_grace: float = 30.0


def microseconds(time: datetime) -> int:
    """Return a time as the core counts it."""
    return int((time - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)
