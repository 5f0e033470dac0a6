"""Clocks, injected into everything that needs the time."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Port of a monotonic clock for intervals and a wall clock for display."""

    def monotonic(self) -> float:
        """Return the monotonic time in seconds, for leases and deadlines."""

    def now(self) -> datetime:
        """Return the current time in UTC, timezone-aware; it may jump, so no decision depends on it."""


class SystemClock:
    """Clocks of this machine."""

    def monotonic(self) -> float:
        """Return the monotonic time in seconds."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the current time in UTC, timezone-aware."""
        return datetime.now(UTC)
