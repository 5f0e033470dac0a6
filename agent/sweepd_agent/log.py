"""The agent's log on standard error: lines for people, or one JSON object an event for machines."""

import json
import math
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from sweepd_agent.core.attempt import AttemptKey, Json
from sweepd_agent.core.lines import line
from sweepd_agent.status_line import StatusLine


class Log:
    """Writes events; a log that nobody reads any more harms nothing."""

    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        self._stream = stream
        self._as_json = as_json
        self._once: set[str] = set()
        self.agent = ""
        # What is below the log on a terminal.
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
        """Tell people of something that needs saying once only; return whether this was the time."""
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
    """Return a value as JSON proper can hold it."""
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        case list():
            return [_finite(item) for item in value]
        case dict():
            return {name: _finite(item) for name, item in value.items()}
        case _:
            return value
