"""Tables for a terminal or a pipe: aligned columns, colour where it is wanted, never as the only signal."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sweepd.cli.rows import Row, has, lookup
from sweepd.cli.text import cell, clean
from sweepd.spec.point import Json

_COLORS = {
    "running": "32",
    "connected": "32",
    "finished": "34",
    "paused": "33",
    "pending": "2",
    "failed": "31",
    "crashed": "31",
    "cancelled": "31",
    "killed": "31",
    "stopped": "36",
    "away": "33",
}

_MOST = 60
"""Columns of a terminal that a long text may take."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, the dotted path of its value, and how that is shown."""

    heading: str
    path: str
    show: Callable[[Json], str] = cell
    # Shown only where width does not matter.
    wide: bool = False
    # Made for the eye from several values: no value of the JSON, so not for programs.
    composed: bool = False
    # Null is a value here: a row has it, or has nothing at the path, which is a dash.
    null: bool = False
    # Of any length, as what people write and scripts log.
    long: bool = False

    def text(self, row: Row, *, short: bool = False) -> str:
        """Return how a row looks in this column; `short`: cut if it may be long."""
        value = lookup(row, self.path)
        if value is None and not (self.null and has(row, self.path)):
            return cell(None)
        text = self.show(value)
        return _cut(text) if short and self.long else text


def distinct(columns: Sequence[Column]) -> Sequence[Column]:
    """Return columns that can be told apart: a parameter with the heading of another one shows its path."""
    count = Counter(column.heading for column in columns)
    return [
        replace(column, heading=column.path)
        if count[column.heading] > 1 and column.path == f"params.{column.heading}"
        else column
        for column in columns
    ]


def table(rows: Sequence[Row], columns: Sequence[Column], *, colored: bool, short: bool = False) -> str:
    """Return the rows below their headings; without rows, the headings alone. `short`: long texts are cut."""
    shown = [[column.text(row, short=short) for column in columns] for row in rows]
    lines = [[clean(column.heading.upper()) for column in columns], *shown]
    widths = [max(map(_width, entries)) for entries in zip(*lines, strict=True)]
    text = []
    for line in lines:
        cells = [_padded(entry, width, colored=colored) for entry, width in zip(line, widths, strict=True)]
        text.append("  ".join(cells).rstrip() + "\n")
    return "".join(text)


def listing(entries: Sequence[tuple[str, str]], *, colored: bool) -> str:
    """Return names and values below one another; a value of several lines is indented."""
    width = max((len(name) for name, _ in entries), default=0) + 2
    text = []
    for name, value in entries:
        first, *rest = value.splitlines() or [""]
        text.append(f"{name + ':':<{width}}{painted(first, colored=colored)}".rstrip() + "\n")
        text += [f"{'':{width}}{line}".rstrip() + "\n" for line in rest]
    return "".join(text)


def painted(text: str, *, colored: bool) -> str:
    """Return a state in its colour; other texts as they are."""
    color = _COLORS.get(text)
    return f"\x1b[{color}m{text}\x1b[0m" if colored and color else text


def _padded(entry: str, width: int, *, colored: bool) -> str:
    return painted(entry, colored=colored) + " " * (width - _width(entry))


def _cut(text: str) -> str:
    """Return what fits of a text, with a mark where something is missing."""
    if _width(text) <= _MOST:
        return text
    kept = text[: _MOST - 1]
    while _width(kept) >= _MOST:
        kept = kept[:-1]
    return f"{kept}…"


def _width(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )
