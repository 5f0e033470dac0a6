"""Ctrl-C and SIGTERM: raised in the middle of the work, or kept to be passed on."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ONCE_MORE_AFTER = 0.01


class Interrupts:
    """Raises KeyboardInterrupt at the first signal, once, and not while shielded; for the main thread."""

    def __init__(self) -> None:
        self._shielded = 0
        self._waiting = False
        self._raised = False
        self._closed = False
        self._hook = sys.unraisablehook

    def __enter__(self) -> Self:
        for number in (*SIGNALS, signal.SIGALRM):
            signal.signal(number, self._heard)
        self._hook, sys.unraisablehook = sys.unraisablehook, self._lost
        return self

    def __exit__(self, *details: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = self._hook
        for number in (*SIGNALS, signal.SIGALRM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    @property
    def interrupted(self) -> bool:
        """True once a signal has come."""
        return self._raised or self._waiting

    def close(self) -> None:
        """Raise no more."""
        self._closed = True

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Put off a signal until the end of the block, so that what it begins is also recorded."""
        self._shielded += 1
        try:
            yield
        finally:
            self._shielded -= 1
            if self._waiting:
                self._raise()

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self._waiting = True
        self._raise()

    def _lost(self, what: "sys.UnraisableHookArgs") -> None:
        """Raise once more what came in a callback, as imports have them, where Python drops errors."""
        if what.exc_type is not KeyboardInterrupt:
            self._hook(what)
            return
        self._raised = False
        signal.setitimer(signal.ITIMER_REAL, _ONCE_MORE_AFTER)

    def _raise(self) -> None:
        if not (self._shielded or self._raised or self._closed):
            self._raised = True
            raise KeyboardInterrupt


class SignalBox:
    """Keeps signals until they are taken out; a context manager for the main thread."""

    def __init__(self) -> None:
        self._kept: list[signal.Signals] = []

    def __enter__(self) -> Self:
        for number in SIGNALS:
            signal.signal(number, lambda heard, frame: self._kept.append(signal.Signals(heard)))
        return self

    def __exit__(self, *details: object) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    def take(self) -> list[signal.Signals]:
        """Return the signals that have come since the last time."""
        taken, self._kept = self._kept, []
        return taken
