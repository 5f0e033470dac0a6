"""Rows of an attempt: parsing of lines; derivation of steps, observations and iterations."""

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
    """Parsed line of a metrics file; `values` are metric values by flat key."""

    values: dict[str, Value] = field(default_factory=dict)
    step: int | None = None
    time: float | None = None
    # The line is marked open: more lines of the same step follow.
    open: bool = False
    malformed: bool = False
    # Last step that a saved checkpoint covers.
    checkpoint: int | None = None


MALFORMED = Line(malformed=True)


def parse_line(raw: bytes) -> Line | None:
    """Return the content of a line, newline excluded; None for a blank line, which is not a row."""
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
            # An exact name takes precedence over the same name formed from nested keys.
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
    """Return a value as a metric value, a short list as text; None if it cannot be logged."""
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
"""Key index of an observation that marks a saved checkpoint instead of a value."""
_BETTER: Final = {"min": min, "max": max}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extreme:
    """Lowest or highest value of a key so far, observed under a watched key such as `loss.min`.

    Args:
        key: index of the watched key.
        kind: `min` or `max`.
        value: extreme of the finite values so far; None before the first.
    """

    key: int
    kind: str
    value: float | None = None

    def after(self, value: float) -> "tuple[Extreme, float]":
        """Return the updated extreme and the value to observe: this extreme, or `value` if not finite."""
        if not math.isfinite(value):
            return self, value
        found = value if self.value is None else float(_BETTER[self.kind](self.value, value))
        return replace(self, value=found), found


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Value of a watched key in a row; with CHECKPOINT_KEY, a saved checkpoint that covers `step`."""

    row: int
    key: int
    step: int | None
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Numbered line of a metrics file."""

    number: int
    # As logged; for a line without a step, the step of the row before plus 1.
    step: int
    time: float
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Reader state after a row: everything needed to resume there."""

    row: int = 0
    # Row up to which all observations are complete.
    settled: int = 0
    # Number of completed steps with a finite value of the objective.
    iterations: int = 0
    # Step of the last row; the next row without a step gets this step plus 1.
    last_step: int = -1
    # Logged step of the last row, which further lines may extend; None if no step was logged.
    step: int | None = None
    # Watched values of the open step, by key index.
    waiting: tuple[tuple[int, float], ...] = ()
    # Keys already observed for this step.
    observed: frozenset[int] = frozenset()
    # Whether the last line was marked open: more lines of its step follow.
    open: bool = False
    # Watched keys that were never logged themselves but are derived from another key.
    extremes: tuple[Extreme, ...] = ()
    # Watched keys that were logged themselves.
    exact: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Result of reading one line, whose values are observed only when its step is complete."""

    progress: Progress
    row: Row
    observations: tuple[Observation, ...]


def read(progress: Progress, line: Line, watched: Mapping[str, int], *, now: float) -> Read:
    """Return the row of a line that follows `progress`, and the observations that it completes.

    Args:
        progress: reader state before the line.
        line: content of the line.
        watched: index of each watched key by name; index 0 is the objective.
        now: Unix time, for lines without a time.
    """
    number = progress.row + 1
    time = now if line.time is None else line.time
    if line.malformed:
        row = Row(number=number, step=max(progress.last_step, 0), time=time, values={})
        settled = progress.settled if progress.open else number
        return Read(progress=replace(progress, row=number, settled=settled), row=row, observations=())
    before: tuple[Observation, ...] = ()
    if line.step is None or line.step != progress.step:
        before, progress = completed(progress)
        progress = replace(progress, step=line.step, observed=frozenset())
    step = progress.last_step + 1 if line.step is None else line.step
    progress = _known(progress, line.values, watched)
    progress = replace(
        progress, row=number, last_step=step, open=line.open, waiting=_merged(progress, line.values, watched)
    )
    after: tuple[Observation, ...] = ()
    if not line.open:
        after, progress = completed(progress)
    if line.checkpoint is not None:  # the checkpoint covers the observations of this row
        saved = Observation(row=number, key=CHECKPOINT_KEY, step=line.checkpoint, value=0.0)
        after = (*after, saved)
    row = Row(number=number, step=step, time=time, values=line.values)
    return Read(progress=progress, row=row, observations=before + after)


def _known(progress: Progress, values: Mapping[str, Value], watched: Mapping[str, int]) -> Progress:
    """Record which watched keys are logged under their own names, and which are derived from other keys."""
    for name, key in watched.items():
        if key in progress.exact:
            continue
        other = derivation(name)
        if name in values:
            left = tuple(each for each in progress.extremes if each.key != key)
            progress = replace(progress, exact=progress.exact | {key}, extremes=left)
        elif other and other[0] in values and all(each.key != key for each in progress.extremes):
            progress = replace(progress, extremes=(*progress.extremes, Extreme(key=key, kind=other[1])))
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


def completed(progress: Progress) -> tuple[tuple[Observation, ...], Progress]:
    """Return the waiting values as observations of the last row, and the resulting progress.

    Call at the end of a step or of the process, when these values are complete.
    """
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


def derivation(name: str) -> tuple[str, str] | None:
    """Return the base key and `min` or `max` of a watched key such as `loss.min`; None for other keys."""
    base, dot, word = name.rpartition(".")
    return (base, word) if base and dot and word in _BETTER else None
