"""Conversion of values to short text for tables and messages, with control characters escaped."""

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sweepd.spec.point import Json, is_number

# C0, DEL, C1, line separators and bidirectional marks, with which a name could control the terminal.
_UNSAFE = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_NAMED = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}
_VISIBLE = {
    code: _NAMED.get(code, f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}") for code in _UNSAFE
}
_VISIBLE_BUT_LINES = {code: shown for code, shown in _VISIBLE.items() if code not in (0x09, 0x0A)}
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in _UNSAFE if code >= 0x7F}


def clean(text: str) -> str:
    """Return `text` on one line, with control characters made visible."""
    return text.translate(_VISIBLE)


def clean_lines(text: str) -> str:
    """Return `text` cleaned except for line feeds and tabs; convert carriage returns to line feeds."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_VISIBLE_BUT_LINES)


def json_text(value: Json, *, indent: int | None = None) -> str:
    """Return `value` as JSON that is readable and safe to print on a terminal."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return text.translate(_JSON_ESCAPES)  # these characters occur only inside strings


def number(value: float) -> str:
    """Return a number with four significant digits."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return f"{value:.4g}"


def cell(value: Json) -> str:
    """Return the text of a value in a table; a dash for null or an empty string."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int):
        return str(value)
    return clean(value) if isinstance(value, str) else json_text(value)


def shown_time(value: Json) -> str:
    """Return a time in the local time zone."""
    return local_time(value) if isinstance(value, str) else "-"


def shown_value(value: Json) -> str:
    """Return a value of the objective as text."""
    return number(value) if is_number(value) else cell(value)


def shown_age(value: Json) -> str:
    """Return the time elapsed since a time, as text."""
    if not isinstance(value, str):
        return "-"
    return duration((datetime.now(UTC) - datetime.fromisoformat(value)).total_seconds())


def shown_counts(counts: Json) -> str:
    """Return the counts of runs by state, without zeros, as text: `3 running, 1 failed`."""
    assert isinstance(counts, dict)
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count)


def shown_words(value: Json) -> str:
    """Return a list of words on one line, separated by commas; a dash if it is empty."""
    return ", ".join(cell(word) for word in value) if isinstance(value, list) and value else "-"


def shown_ids(value: Json) -> str:
    """Return the ids of a list of full names, on one line."""
    return shown_words([cell(name).rpartition("/")[2] for name in value]) if isinstance(value, list) else "-"


def elapsed(start: Json, end: Json) -> str:
    """Return the time from `start` to `end` as text; until now if `end` is null."""
    if not isinstance(start, str):
        return "-"
    return duration(seconds_between(start, end)) if isinstance(end, str) else shown_age(start)


def size_text(value: Json) -> str:
    """Return a size in bytes as text, such as `12.5 MiB`."""
    if not isinstance(value, int):
        return "-"
    size, unit = float(value), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{value} B" if unit == "B" else f"{size:.4g} {unit}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: `1 run`, `2 runs`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def live_runs_continue(count: int) -> str:
    """Return a clause such as `2 live runs continue`."""
    return f"{counted(count, 'live run')} continue{'s' if count == 1 else ''}"


def duration(seconds: float) -> str:
    """Return a duration in its two largest units: `1h30m`, `2m05s`, `4.2s`."""
    seconds = max(seconds, 0.0)
    if seconds < 59.95:
        return f"{seconds:.1f}s" if seconds < 9.95 else f"{seconds:.0f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02d}m"
    days = hours // 24
    return f"{days}d{hours % 24:02d}h" if days < 1_000 else f"{days:,}d"


def local_time(stamp: str) -> str:
    """Return an RFC 3339 time as local wall-clock time, to the second."""
    return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def seconds_between(start: str, end: str) -> float:
    """Return the seconds between two RFC 3339 times."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)) / timedelta(seconds=1)


def quoted_list(words: Iterable[str]) -> str:
    """Return words for a sentence, in backticks and separated by commas."""
    return ", ".join(f"`{clean(word)}`" for word in words)
