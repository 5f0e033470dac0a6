"""Log of the agent on standard error, for people or machines, and the status line below it on a terminal."""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TextIO

from sweepd_agent.core.attempt import AttemptKey, Json
from sweepd_agent.core.lines import line
from sweepd_agent.core.state import State

_ERASE = "\r\x1b[K"
# Default for a terminal of unknown size.
_COLUMNS = 80
_BAR = 20


class StatusLine:
    """Status line at the bottom of a terminal."""

    def __init__(self, stream: TextIO, text: Callable[[int], str]) -> None:
        self._stream = stream
        # Function that returns the text for a number of columns.
        self._text = text
        self._shown = ""

    def erase(self) -> str:
        """Return the control sequence that erases the line; the caller writes it before a log line."""
        erase, self._shown = (_ERASE if self._shown else ""), ""
        return erase

    def draw(self) -> None:
        """Redraw the line if it has changed; ignore a closed terminal."""
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
        """Erase the line."""
        try:
            self._stream.write(self.erase())
            self._stream.flush()
        except (OSError, ValueError):
            pass


def can_redraw(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """True if a stream is a UTF-8 terminal that can redraw a line."""
    if environ.get("TERM", "dumb") == "dumb" or not stream.isatty():
        return False
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


def progress(state: State, now: float, width: int) -> str:
    """Return the status line, at most `width` columns: bar, counts of runs, elapsed time and state.

    Args:
        state: state of the agent; ended runs count as done, including failed and stopped runs.
        now: monotonic time, like `state.started`.
        width: maximum number of columns.
    """
    live = sum(held.has_process for held in state.held.values())
    count = state.settings.count
    done = f"{state.ended}/{count} runs done" if count is not None else f"{state.ended} runs done"
    parts = [done, f"{live} live", f"{state.failed} failed", _time(now - state.started)]
    if state.leaving is not None:
        parts.append("ending")
    elif not state.connected:
        parts.append("server unavailable")
    text = " · ".join(parts)
    bar = _bar(state.ended, live, count) if count is not None else _bar(0, live, state.settings.slots)
    return f"{bar} {text}"[: max(0, width)]


def _bar(done: int, live: int, total: int) -> str:
    """Return a progress bar that shows the done and the live runs out of `total`."""
    full = _BAR * min(done, total) // total
    begun = -(-_BAR * min(done + live, total) // total) - full
    return f"[{'█' * full}{'▒' * begun}{'░' * (_BAR - full - begun)}]"


def _time(seconds: float) -> str:
    total = int(seconds)
    hours, minutes = divmod(total // 60, 60)
    return f"{hours}:{minutes:02}:{total % 60:02}"


class Log:
    """Writer of log events to a stream; ignores write errors, as the stream may be closed."""

    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        self._stream = stream
        self._as_json = as_json
        self._once: set[str] = set()
        self.agent = ""
        # Status line below the log on a terminal.
        self.status: StatusLine | None = None

    def event(
        self, event: str, key: AttemptKey | None = None, fields: Mapping[str, Json] | None = None
    ) -> None:
        """Write one event."""
        fields = fields or {}
        if self._as_json:
            self._write(json.dumps(self._document(event, key, fields)))
        elif (text := line(event, key, fields)) is not None:
            is_error = text.startswith("error: ")
            self._write(text if is_error else f"{datetime.now():%H:%M:%S} {text}")  # noqa: DTZ005 -- for people

    def once(self, topic: str, message: str, key: AttemptKey | None = None) -> bool:
        """Log a notice once per topic; return True if this was the first time."""
        if topic in self._once:
            return False
        self._once.add(topic)
        self.event("notice", key, {"message": message})
        return True

    def _document(self, event: str, key: AttemptKey | None, fields: Mapping[str, Json]) -> dict[str, Json]:
        document: dict[str, Json] = {
            "event": event,
            "time": _rfc3339(time.time()),
            "mono": time.monotonic(),
            "agent": self.agent,
            "pid": os.getpid(),
        }
        if key is not None:
            document |= {"run": key.run, "attempt": key.attempt}
        for name, value in fields.items():
            if name.endswith("_time") and isinstance(value, float):
                value = _rfc3339(value)
            document[name] = _finite(value)
        return document

    def _write(self, text: str) -> None:
        try:
            erase = self.status.erase() if self.status is not None else ""
            self._stream.write(f"{erase}{text}\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass


def _rfc3339(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _finite(value: Json) -> Json:
    """Return a value with non-finite numbers as strings, as strict JSON requires."""
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        case list():
            return [_finite(item) for item in value]
        case dict():
            return {name: _finite(item) for name, item in value.items()}
        case _:
            return value
