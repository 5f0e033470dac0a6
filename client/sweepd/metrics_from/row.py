"""Rows of what a line, a record or a table gives: values by key, perhaps a step and a time."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

STEP_NAMES = ("_step", "step", "global_step")
"""Names under which steps are known; the first that is there counts."""

Value = float | int | bool | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Values of one moment; nested ones stay nested, as in a line of the metrics file."""

    values: Mapping[str, object]
    step: int | None = None
    time: float | None = None


def number_of(text: str) -> float | int | None:
    """Return the number that a text is; None if it is none."""
    text = text.strip().rstrip("%,;")
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def row_of(values: Mapping[str, object]) -> Row | None:
    """Return a row, its step taken out of the values; None if nothing is left."""
    left = dict(values)
    step: int | None = None
    for name in STEP_NAMES:
        if name in left:
            found = left.pop(name)
            if isinstance(found, float) and found.is_integer():
                found = int(found)
            if isinstance(found, int) and not isinstance(found, bool):
                step = found
            break
    time = left.pop("_time", None)
    return (
        Row(values=left, step=step, time=float(time) if isinstance(time, int | float) else None)
        if left
        else None
    )


@dataclass(slots=True)
class Complaints:
    """Complaints about a source, each once."""

    recorded: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Record something, unless it is recorded or there is too much already."""
        if text not in self.recorded and len(self.recorded) < 20:
            self.recorded.append(text)
            self.fresh.append(text)

    def taken(self) -> list[str]:
        """Return what was recorded since the last call."""
        fresh, self.fresh = self.fresh, []
        return fresh


MAX_LINE_BYTES = 1024 * 1024
_MAX_COLUMNS = 1_000


class Lines(Protocol):
    """Makes rows of lines; needs to see the first line of its file."""

    def read(self, line: str, *, first: bool) -> Row | None:
        """Return the row of a line; None if it has none. Raises ValueError for what cannot be read."""


class JsonLines:
    """One JSON object a line."""

    def read(self, line: str, *, first: bool) -> Row | None:
        """Return the row of a line."""
        if not line.strip():
            return None
        document: object = json.loads(line)
        if not isinstance(document, dict):
            raise ValueError("a line is not a JSON object")
        return row_of(document)


class Table:
    """A head with names, then values; empty cells and text say nothing."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._names: list[str] = []

    def read(self, line: str, *, first: bool) -> Row | None:
        """Return the row of a line."""
        cells = next(csv.reader([line], delimiter=self._delimiter), [])
        if first:
            self._names = [name.strip().lstrip("\ufeff") for name in cells[:_MAX_COLUMNS]]
            return None
        numbers = {
            name: number
            for name, cell in zip(self._names, cells, strict=False)
            if name and (number := number_of(cell)) is not None
        }
        return row_of(numbers)


def lines_of(name: str) -> Lines:
    """Return what reads a file, by the end of its name."""
    if name.endswith(".csv"):
        return Table(",")
    if name.endswith((".tsv", ".tab")):
        return Table("\t")
    return JsonLines()
