"""Turns one line of a metrics file into a row: what a script logged, flat and typed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from sweepd.metrics_file import (
    CHECKPOINT,
    MAX_DEPTH,
    MAX_KEY_LENGTH,
    MAX_LINE_BYTES,
    MAX_TEXT_LENGTH,
    OPEN,
    RESERVED,
    STEP,
    TIME,
)

Value = float | int | bool | str

_compact = json.JSONEncoder(separators=(",", ":")).encode
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Content of one line; `values` are metric values by flat key."""

    values: dict[str, Value] = field(default_factory=dict)
    step: int | None = None
    time: float | None = None
    # More lines of the same step are announced.
    open: bool = False
    malformed: bool = False
    # A checkpoint now holds everything up to this step.
    checkpoint: int | None = None


MALFORMED = Line(malformed=True)


def whole_lines(content: bytes) -> list[bytes]:
    """Return the lines of `content` that are ended by a newline, without it; blank ones included."""
    lines = content.split(b"\n")
    lines.pop()
    return lines


def parse_line(raw: bytes) -> Line | None:
    """Return what stands in a line, newline excluded; None for a blank one, which is no row at all."""
    if not raw.strip():
        return None
    if len(raw) > MAX_LINE_BYTES:
        return MALFORMED
    try:
        document: object = json.loads(raw)
    except (ValueError, RecursionError):
        return MALFORMED
    if not isinstance(document, dict):
        return MALFORMED
    return _line(document)


def _line(document: dict[str, object]) -> Line:
    step, time = document.get(STEP), document.get(TIME)
    values: dict[str, Value] = {}
    for key, value in document.items():
        if key not in RESERVED:
            # The exact name wins over the same name made of nested ones.
            if isinstance(value, dict):
                for name, inner in _flat(key, value, MAX_DEPTH):
                    values.setdefault(name, inner)
            elif (scalar := _scalar(value)) is not None and len(key) <= MAX_KEY_LENGTH:
                values[key] = scalar
    return Line(
        values=values,
        step=_step(step),
        time=_as_float(time) if isinstance(time, int | float) and not isinstance(time, bool) else None,
        open=document.get(OPEN) is True,
        checkpoint=_step(document.get(CHECKPOINT)),
    )


def _step(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
        return value
    return None


def _flat(prefix: str, mapping: dict[str, object], depth: int) -> Iterator[tuple[str, Value]]:
    for key, value in mapping.items():
        name = f"{prefix}.{key}"
        if isinstance(value, dict):
            if depth:
                yield from _flat(name, value, depth - 1)
        elif (scalar := _scalar(value)) is not None and len(name) <= MAX_KEY_LENGTH:
            yield name, scalar


def _scalar(value: object) -> Value | None:
    """Return a value as a metric can hold it, a short list as its text; None for what is left out."""
    match value:
        case bool() | float():
            return value
        case int():
            return value if value in _INT64 else _as_float(value)
        case str():
            return value[:MAX_TEXT_LENGTH]
        case list():
            text = _compact(value)
            return text if len(text) <= MAX_TEXT_LENGTH else None
        case _:
            return None


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
