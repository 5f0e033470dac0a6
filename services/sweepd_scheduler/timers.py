"""The owner's timers: events that are due at a time of the monotonic clock."""

import heapq
import itertools
from collections.abc import Callable

from sweepd_scheduler.domain.events import Timer


class Timers:
    """The earliest first; of those for the same time the one that was set first.

    Args:
        is_moot: tells of which nothing would follow: they do not ring, and nobody waits for them.
    """

    def __init__(self, is_moot: Callable[[Timer], bool]) -> None:
        self._is_moot = is_moot
        self._set: list[tuple[float, int, Timer]] = []
        self._tie = itertools.count()

    def set(self, at: float, event: Timer) -> None:
        """Have an event ring at a time."""
        heapq.heappush(self._set, (at, next(self._tie), event))

    @property
    def next_at(self) -> float | None:
        """When the next one rings; None if none is set."""
        while self._set and self._is_moot(self._set[0][2]):
            heapq.heappop(self._set)
        return self._set[0][0] if self._set else None

    def due(self, now: float) -> list[Timer]:
        """Take out those whose time has come."""
        due = []
        while (at := self.next_at) is not None and at <= now:
            due.append(heapq.heappop(self._set)[2])
        return due
