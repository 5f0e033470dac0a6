"""Durations as written in flags and sweep files: `500ms`, `30s`, `1m30s`, `2h`, or bare seconds."""

import re
from typing import Protocol

_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NUMBER = r"\d+(?:\.\d+)?"
_PART = re.compile(rf"({_NUMBER})(ms|d|h|m|s)", re.ASCII)
_SUM = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_SECONDS = re.compile(_NUMBER, re.ASCII)
_MAX_CHARACTERS = 1_000
"""Maximum length of a duration text; matching 1 MB of parts would take 200 MB of memory."""


class SecondsAndNanos(Protocol):
    """Protobuf Duration or Timestamp."""

    @property
    def seconds(self) -> int:
        """Whole seconds."""

    @property
    def nanos(self) -> int:
        """Additional nanoseconds."""


def seconds_of(message: SecondsAndNanos) -> float:
    """Return a duration in seconds, or a timestamp as Unix time."""
    return message.seconds + message.nanos / 1e9


def parse_duration(text: str) -> float:
    """Return the duration in `text`, in seconds.

    Raises:
        ValueError: the text is not a duration.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(
            f"a text of {len(text):,} characters is not a duration; write 500ms, 30s, 1m30s or 2h"
        )
    if _SECONDS.fullmatch(text):
        return float(text)
    if not _SUM.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration; write 500ms, 30s, 1m30s or 2h")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def duration_text(seconds: float) -> str:
    """Return a duration as text from which `parse_duration` returns exactly the same number."""
    return f"{int(seconds)}s" if seconds.is_integer() else f"{seconds!r}s"
