"""Ctrl-C and other signals while an agent works for a caller: passed on to the agent, not raised here."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Self

_Handler = Callable[[int, FrameType | None], object] | int | None


class Interrupts:
    """Calls back when a signal comes; in the main thread only, as others hear none.

    A context manager: afterwards, what was called before is called again.
    """

    def __init__(self, numbers: tuple[signal.Signals, ...], heard: Callable[[signal.Signals], None]) -> None:
        self._numbers = numbers
        self._heard = heard
        self._before: dict[signal.Signals, _Handler] = {}

    @property
    def hears(self) -> bool:
        """Whether signals come here at all."""
        return signal.SIGINT in self._before

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in self._numbers:
            before = signal.getsignal(number)
            # What was ignored stays so, as in a shell's background; what is not Python's cannot be restored.
            if before is not None and before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, lambda heard, frame: self._heard(signal.Signals(heard)))
        return self

    def __exit__(self, *details: object) -> None:
        while self._before:
            signal.signal(*self._before.popitem())
