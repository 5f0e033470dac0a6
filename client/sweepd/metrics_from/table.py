"""Rows of files that scripts append to: one JSON object a line, or a table with a head."""

import csv
import json
from typing import Protocol

from sweepd.metrics_from.row import Row, number_of, row_of

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
            raise ValueError("a line is no JSON object")
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
