"""Children of the supervisor: their state, how they report it, and the order in which they end."""

import os
import signal
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sweepd.backoff import Backoff

# All of it fits into the 10 s that a daemon has to end: a step for each service, then the kill.
STEP = 1.5
OVERDUE = 8.5
OVERDUE_WHEN_HURRIED = 1.0


class State(StrEnum):
    """State of a service."""

    STARTING = "starting"
    SERVING = "serving"
    WAITING = "waiting"
    """It runs, but cannot open its storage."""
    DOWN = "down"
    """It ended by itself and will be started again."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ReportPipe:
    """Pipe on which a child reports to the supervisor."""

    descriptor: int

    def ready(self, address: str) -> None:
        """Report that the service serves."""
        self._write("ready", address)

    def waiting(self, reason: str) -> None:
        """Report that the service cannot open its storage yet."""
        self._write("waiting", reason)

    def failed(self, reason: str) -> None:
        """Report that the service refuses to start."""
        self._write("failed", reason)

    def _write(self, word: str, text: str) -> None:
        os.write(self.descriptor, f"{word} {' '.join(text.split())}\n".encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Work of a child: `run` returns its exit code once it is asked to end."""

    name: str
    address: str
    run: Callable[[ReportPipe], int]


@dataclass(slots=True, kw_only=True)
class Child:
    """One service and its current process."""

    program: Program
    state: State = State.STARTING
    pid: int = 0
    """0: there is no process."""
    pipe: int = -1
    received: bytes = b""
    """Bytes of a report whose line is not complete yet."""
    reason: str = ""
    started: float = 0.0
    restart_at: float = 0.0
    restarts: int = 0
    backoff: Backoff = field(default_factory=Backoff)


class StopPlan:
    """Order of an end: each process is asked a step after the one before, or once that has ended.

    Overdue processes are killed.
    """

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
        """Return the signals to send now, given the processes that are left."""
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
        """Return the seconds until `due` may have more signals."""
        deadlines = [self._overdue, *([self._next_step] if self._waiting else [])]
        return max(0.01, min(deadlines) - now)
