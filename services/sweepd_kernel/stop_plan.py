"""In what order, and how fast, processes are told to end."""

import signal
from collections.abc import Collection, Sequence

# All of it fits into the 10 s that a daemon has to end: a step for each service, then the kill.
STEP = 1.5
OVERDUE = 8.5
OVERDUE_WHEN_HURRIED = 1.0


class StopPlan:
    """Each process is asked a step after the one before, or when that has ended; the overdue are killed."""

    def __init__(self, names: Sequence[str], now: float) -> None:
        """Take the processes in the order in which they shall end, and the monotonic time in seconds."""
        self._waiting = list(names)
        self._asked: list[str] = []
        self._next_step = now
        self._overdue = now + OVERDUE

    def hurry(self, now: float) -> None:
        """Ask all that are left at once, and kill soon."""
        self._next_step = 0.0
        self._overdue = min(self._overdue, now + OVERDUE_WHEN_HURRIED)

    def due(self, now: float, alive: Collection[str]) -> list[tuple[str, signal.Signals]]:
        """Return the signals to send now, given who is still there."""
        signals: list[tuple[str, signal.Signals]] = []
        while self._waiting and (now >= self._next_step or not any(name in alive for name in self._asked)):
            name = self._waiting.pop(0)
            if name in alive:
                self._asked.append(name)
                signals.append((name, signal.SIGTERM))
                if self._next_step:
                    self._next_step = now + STEP
        if now >= self._overdue:
            self._overdue = now + STEP
            signals += [(name, signal.SIGKILL) for name in alive]
        return signals

    def pause(self, now: float) -> float:
        """Seconds until `due` may have more to say."""
        moments = [self._overdue, *([self._next_step] if self._waiting else [])]
        return max(0.01, min(moments) - now)
