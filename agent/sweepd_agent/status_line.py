"""A line at the foot of a terminal that is drawn anew as things go on; lines of the log come above it."""

import os
from collections.abc import Callable, Mapping
from typing import TextIO

from sweepd_agent.core.state import State

_ERASE = "\r\x1b[K"
# Of a terminal that does not know its size.
_COLUMNS = 80
_BAR = 20


class StatusLine:
    """Owns the last line of a terminal."""

    def __init__(self, stream: TextIO, text: Callable[[int], str]) -> None:
        self._stream = stream
        # Returns what to show in so many columns.
        self._text = text
        self._shown = ""

    def erase(self) -> str:
        """Return what to write before a line of the log."""
        erase, self._shown = (_ERASE if self._shown else ""), ""
        return erase

    def draw(self) -> None:
        """Show how things stand; a terminal that is gone harms nothing."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns or _COLUMNS
            text = self._text(columns - 1)
            if text != self._shown:
                self._stream.write(f"{_ERASE}{text}")
                self._stream.flush()
                self._shown = text
        except (OSError, ValueError):
            pass

    def close(self) -> None:
        """Leave the terminal as it was found."""
        try:
            self._stream.write(self.erase())
            self._stream.flush()
        except (OSError, ValueError):
            pass


def can_redraw(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """True if a stream is a terminal that can draw a line anew, in letters that it has."""
    if environ.get("TERM", "dumb") == "dumb" or not stream.isatty():
        return False
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


def progress(state: State, now: float, width: int) -> str:
    """Return the line, not longer than `width`: a bar where the end is known, what is done, and for how long.

    Args:
        state: the agent; runs that have ended here are done, failed and stopped ones included.
        now: monotonic, as `state.started`.
        width: columns of the terminal.
    """
    live = sum(held.has_process for held in state.held.values())
    count = state.settings.count
    done = f"{state.ended}/{count} runs done" if count is not None else f"{state.ended} runs done"
    parts = [done, f"{live} live", f"{state.failed} failed", _time(now - state.started)]
    if state.leaving is not None:
        parts.append("ending")
    elif not state.connected:
        parts.append("away from the server")
    text = " · ".join(parts)
    bar = _bar(state.ended, live, count) if count is not None else _bar(0, live, state.settings.slots)
    return f"{bar} {text}"[: max(0, width)]


def _bar(done: int, live: int, whole: int) -> str:
    """Return a bar of what is done, and of what is live, of a whole."""
    full = _BAR * min(done, whole) // whole
    begun = -(-_BAR * min(done + live, whole) // whole) - full
    return f"[{'█' * full}{'▒' * begun}{'░' * (_BAR - full - begun)}]"


def _time(seconds: float) -> str:
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}"
