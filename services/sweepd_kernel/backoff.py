"""When to try again: soon at first, then less and less often."""

from dataclasses import dataclass

FIRST = 0.2
LONGEST = 5.0
HEALTHY_AFTER = 10.0


@dataclass(slots=True)
class Backoff:
    """Delays that double from 0.2 s to 5 s, and begin anew after 10 s of health."""

    delay: float = 0.0

    def next_delay(self, *, healthy_for: float = 0.0) -> float:
        """The seconds to wait before the next try.

        Args:
            healthy_for: how long the last try had held, in seconds.
        """
        if healthy_for >= HEALTHY_AFTER:
            self.delay = 0.0
        self.delay = min(LONGEST, 2 * self.delay) if self.delay else FIRST
        return self.delay
