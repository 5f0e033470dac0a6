"""How long the scheduler waits for what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
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
