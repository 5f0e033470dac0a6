"""Rows of an attempt: one line of a metrics file as a row, complete steps, observations and iterations."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

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


CHECKPOINT_KEY = 2**32 - 1
"""Stands for a key where not a value is observed, but that a checkpoint was saved."""
_BETTER: Final = {"min": min, "max": max}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extreme:
    """Extreme of a key so far, observed under a watched key as `loss.min`.

    Args:
        key: index of the watched key.
        word: `min` or `max`.
        value: the extreme of the finite values so far; None before the first.
    """

    key: int
    word: str
    value: float | None = None

    def after(self, value: float) -> "tuple[Extreme, float]":
        """Return this after one more value of the other key, and what is observed: a NaN stays one."""
        if not math.isfinite(value):
            return self, value
        found = value if self.value is None else float(_BETTER[self.word](self.value, value))
        return replace(self, value=found), found


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The value of one watched key in one row; or that in this row a checkpoint was saved, up to `step`."""

    row: int
    key: int
    step: int | None
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One numbered line."""

    number: int
    # As logged; one above the row before where a line has none.
    step: int
    time: float
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """State of reading after a row: all that is needed to read on from there."""

    row: int = 0
    # Rows up to this one are settled.
    settled: int = 0
    # Rows closed with a finite objective.
    iterations: int = 0
    # Step of the last row, for rows that name none.
    last_step: int = -1
    # The step that further lines may add to.
    step: int | None = None
    # Watched values of the open step, by index of their key.
    waiting: tuple[tuple[int, float], ...] = ()
    # Keys that were observed for this step already.
    observed: frozenset[int] = frozenset()
    # Whether the last line of the step announced more.
    open: bool = False
    # Watched keys that were never logged themselves and are made of another one.
    extremes: tuple[Extreme, ...] = ()
    # Watched keys that were logged themselves.
    exact: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Result of one line; it is not an observation yet if more of its step may follow."""

    progress: Progress
    row: Row
    observations: tuple[Observation, ...]


def read(progress: Progress, line: Line, watched: Mapping[str, int], *, now: float) -> Read:
    """Return the row of a line that follows `progress`, and the observations that it completes.

    Args:
        progress: where reading stands before it.
        line: what stands in it.
        watched: index by name of the watched keys; 0 is the objective.
        now: Unix time, for lines that carry none.
    """
    number = progress.row + 1
    time = now if line.time is None else line.time
    if line.malformed:
        row = Row(number=number, step=max(progress.last_step, 0), time=time, values={})
        settled = progress.settled if progress.open else number
        return Read(progress=replace(progress, row=number, settled=settled), row=row, observations=())
    before: tuple[Observation, ...] = ()
    if line.step is None or line.step != progress.step:
        before, progress = _completed(progress)
        progress = replace(progress, step=line.step, observed=frozenset())
    step = progress.last_step + 1 if line.step is None else line.step
    progress = _known(progress, line.values, watched)
    progress = replace(
        progress, row=number, last_step=step, open=line.open, waiting=_merged(progress, line.values, watched)
    )
    after: tuple[Observation, ...] = ()
    if not line.open:
        after, progress = _completed(progress)
    if line.checkpoint is not None:  # what is observed in this row is part of it
        saved = Observation(row=number, key=CHECKPOINT_KEY, step=line.checkpoint, value=0.0)
        after = (*after, saved)
    row = Row(number=number, step=step, time=time, values=line.values)
    return Read(progress=progress, row=row, observations=before + after)


def ended(progress: Progress) -> tuple[tuple[Observation, ...], Progress]:
    """Return what the end of the process completes; every row is settled then."""
    return _completed(progress)


def _known(progress: Progress, values: Mapping[str, Value], watched: Mapping[str, int]) -> Progress:
    """Record whether the watched keys come under their own names, or are made of others."""
    for name, key in watched.items():
        if key in progress.exact:
            continue
        other = made_of(name)
        if name in values:
            left = tuple(each for each in progress.extremes if each.key != key)
            progress = replace(progress, exact=progress.exact | {key}, extremes=left)
        elif other and other[0] in values and all(each.key != key for each in progress.extremes):
            progress = replace(progress, extremes=(*progress.extremes, Extreme(key=key, word=other[1])))
    return progress


def _merged(
    progress: Progress, values: Mapping[str, Value], watched: Mapping[str, int]
) -> tuple[tuple[int, float], ...]:
    merged = dict(progress.waiting)
    made = {each.key for each in progress.extremes}
    for name, key in watched.items():
        value = values.get(name.rpartition(".")[0] if key in made else name)
        if isinstance(value, int | float) and not isinstance(value, bool) and key not in progress.observed:
            merged[key] = float(value)
    return tuple(merged.items())


def _completed(progress: Progress) -> tuple[tuple[Observation, ...], Progress]:
    """Return the waiting values as observations of the last row, and where reading stands then."""
    waiting = dict(progress.waiting)
    extremes: list[Extreme] = []
    for extreme in progress.extremes:
        if extreme.key in waiting:
            extreme, waiting[extreme.key] = extreme.after(waiting[extreme.key])
        extremes.append(extreme)
    observations = tuple(
        Observation(row=progress.row, key=key, step=progress.step, value=value)
        for key, value in sorted(waiting.items())
    )
    counted = sum(item.key == 0 and math.isfinite(item.value) for item in observations)
    return observations, replace(
        progress,
        settled=progress.row,
        iterations=progress.iterations + counted,
        waiting=(),
        observed=progress.observed | {item.key for item in observations},
        open=False,
        extremes=tuple(extremes),
    )


def made_of(name: str) -> tuple[str, str] | None:
    """Return the key that a watched one may be made of, and the word; None for a name that is only a name."""
    base, dot, word = name.rpartition(".")
    return (base, word) if base and dot and word in _BETTER else None
