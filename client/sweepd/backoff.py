"""Exponential back-off: the delays between attempts. Pure; callers add the jitter that they need."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Backoff:
    """Delays in seconds that double from `first` to `longest`, and start over after health."""

    first: float = 0.2
    longest: float = 5.0
    healthy_after: float = 10.0
    """An attempt that lasted this long was healthy."""
    delay: float = 0.0
    """The last delay; 0: nothing has failed since the start, or since the last reset."""

    def next_delay(self, *, lasted: float = 0.0) -> float:
        """Return the delay after an attempt that failed, or that ended when it had lasted some seconds."""
        if lasted >= self.healthy_after:
            self.reset()
        self.delay = min(self.longest, 2 * self.delay) if self.delay else self.first
        return self.delay

    def reset(self) -> None:
        """Start over: an attempt has succeeded."""
        self.delay = 0.0
