"""A line at the foot of a terminal that is drawn anew as things go on; lines of the log come above it."""

import os
from collections.abc import Callable, Mapping
from typing import TextIO

_ERASE = "\r\x1b[K"
# Of a terminal that does not know its size.
_COLUMNS = 80


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
    """Whether a stream is a terminal that can draw a line anew, in letters that it has."""
    if environ.get("TERM", "dumb") == "dumb" or not stream.isatty():
        return False
    return (stream.encoding or "").lower().replace("-", "") == "utf8"
