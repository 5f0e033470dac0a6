"""How long to wait before dialling again: exponential, with full jitter, so that no crowd comes at once."""

from dataclasses import dataclass, replace

FIRST_WINDOW = 1.0
LAST_WINDOW = 60.0
HEALTHY_AFTER = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """The window from which the next wait is drawn."""

    window: float = FIRST_WINDOW

    def wait(self, draw: float, *, lost_after: float | None = None) -> float:
        """Return the seconds to wait; `draw` is random in [0, 1).

        An agent that slept past `lost_after` would lose its runs to the wait alone, so a short one bounds it.
        """
        longest = LAST_WINDOW if lost_after is None else min(LAST_WINDOW, max(FIRST_WINDOW, lost_after / 4))
        return draw * min(self.window, longest)

    def failed(self) -> "Backoff":
        """Return the back-off after a failure."""
        return replace(self, window=min(self.window * 2, LAST_WINDOW))

    def ended(self, lived: float) -> "Backoff":
        """Return the back-off after a stream that lived for so many seconds."""
        return Backoff() if lived >= HEALTHY_AFTER else self.failed()
