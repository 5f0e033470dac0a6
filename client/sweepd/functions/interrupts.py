"""Signals while an agent works for a caller: passed on instead of raised."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Self

_Handler = Callable[[int, FrameType | None], object] | int | None


class Interrupts:
    """Context manager that handles signals by a callback, in the main thread only.

    Restores the previous handlers on exit.
    """

    def __init__(
        self, numbers: tuple[signal.Signals, ...], on_signal: Callable[[signal.Signals], None]
    ) -> None:
        self._numbers = numbers
        self._on_signal = on_signal
        self._before: dict[signal.Signals, _Handler] = {}

    @property
    def active(self) -> bool:
        """True if signals are handled here."""
        return signal.SIGINT in self._before

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in self._numbers:
            before = signal.getsignal(number)
            # Ignored signals stay ignored, as in background jobs; handlers not set by Python cannot be
            # restored.
            if before is not None and before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, lambda number, frame: self._on_signal(signal.Signals(number)))
        return self

    def __exit__(self, *details: object) -> None:
        while self._before:
            signal.signal(*self._before.popitem())
