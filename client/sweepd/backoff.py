"""Exponential backoff: delays between attempts, without jitter, which callers add."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Backoff:
    """Delays in seconds that double from `first` to `longest`; reset after a healthy attempt."""

    first: float = 0.2
    longest: float = 5.0
    healthy_after: float = 10.0
    """Minimum duration of a healthy attempt."""
    delay: float = 0.0
    """Last delay; 0 if nothing has failed since the start or the last reset."""

    def next_delay(self, *, lasted: float = 0.0) -> float:
        """Return the delay before the next attempt; `lasted`: duration of the last attempt in seconds."""
        if lasted >= self.healthy_after:
            self.reset()
        self.delay = min(self.longest, 2 * self.delay) if self.delay else self.first
        return self.delay

    def reset(self) -> None:
        """Reset the delay after a successful attempt."""
        self.delay = 0.0
