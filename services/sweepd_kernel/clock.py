"""Clocks; whoever needs the time is given a `Clock`."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one for intervals, one for display."""

    def monotonic(self) -> float:
        """Return seconds that only grow; leases and deadlines are measured with it."""

    def now(self) -> datetime:
        """Return the wall clock, aware, in UTC; it may jump, so nothing is decided by it."""


class SystemClock:
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the wall clock, aware, in UTC."""
        return datetime.now(UTC)
