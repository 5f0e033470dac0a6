"""What the supervisor knows of one child, and how the child talks back."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from sweepd_kernel.backoff import Backoff


class State(StrEnum):
    """How a service stands."""

    STARTING = "starting"
    SERVING = "serving"
    WAITING = "waiting"
    """It runs, but cannot open its storage."""
    DOWN = "down"
    """It ended by itself and will be started again."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Line:
    """The line from a child to the supervisor."""

    descriptor: int

    def ready(self, address: str) -> None:
        """Say that the service serves."""
        self._write("ready", address)

    def waiting(self, reason: str) -> None:
        """Say that the service cannot open its storage yet."""
        self._write("waiting", reason)

    def failed(self, reason: str) -> None:
        """Say that the service refuses to start."""
        self._write("failed", reason)

    def _write(self, word: str, text: str) -> None:
        os.write(self.descriptor, f"{word} {' '.join(text.split())}\n".encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a child does: runs until it is told to end, and returns its exit code."""

    name: str
    address: str
    run: Callable[[Line], int]


@dataclass(slots=True, kw_only=True)
class Child:
    """One service and its process of the moment."""

    program: Program
    state: State = State.STARTING
    pid: int = 0
    """0: there is no process."""
    pipe: int = -1
    heard: bytes = b""
    reason: str = ""
    started: float = 0.0
    restart_at: float = 0.0
    restarts: int = 0
    backoff: Backoff = field(default_factory=Backoff)
