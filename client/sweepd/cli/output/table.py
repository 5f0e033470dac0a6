"""Conversion of rows to text: tables with aligned columns for people, CSV for programs."""

import csv
import io
import re
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sweepd.spec.point import Json
from sweepd.views.rows import Column, Row
from sweepd.views.text import cell, clean, json_text

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

_MAX_TEXT_WIDTH = 60
"""Maximum width of a long text, in terminal columns."""
_COMMAND = re.compile(r"\bsweep(?:ctl|-agent) [^;,`()]+")
_NO_BREAK = "\x00"
"""Placeholder for blanks in commands while lines are wrapped; shown texts never contain this character."""
_MIN_LINE_WIDTH = 20
"""Minimum width for wrapping, in terminal columns, regardless of indentation."""
GAP = 2
"""Blanks between two columns."""
_MIN_COLUMN_WIDTH = 8
"""Minimum width to which headings and texts are cut, in terminal columns."""
_READABLE = 24
"""Width that texts should keep, in terminal columns; less informative columns are dropped for it."""
_LESS_INFORMATIVE = 2
"""Minimum `spare` of the columns that are dropped to keep texts at their readable width."""
# Characters with which a formula in a spreadsheet can begin; the last four are full-width forms.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?Infinity", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Width requirements of one column of a table."""

    # Widths of the widest cell and of the heading.
    cells: int
    heading: int
    # True if cells may be cut, unlike numbers and names that users copy.
    cut: bool = False
    # Width of the widest cell that must not be cut even if `cut` is true; at most `cells`.
    uncut: int = 0
    # Order in which columns are dropped: greatest first, the rightmost of equal ones; 0: never.
    spare: int = 0

    @property
    def widest(self) -> int:
        """Width at which nothing is cut."""
        return max(self.cells, self.heading)

    def least(self, text: int = _MIN_COLUMN_WIDTH) -> int:
        """Return the minimum width of the column if texts are cut to `text` columns."""
        cells = max(self.uncut, min(self.cells, text)) if self.cut else self.cells
        return max(cells, min(self.heading, _MIN_COLUMN_WIDTH))


def distinct(columns: Sequence[Column]) -> Sequence[Column]:
    """Make headings distinct: replace a parameter's heading with its path if the heading is not unique."""
    count = Counter(column.heading for column in columns)
    return [
        replace(column, heading=column.path)
        if count[column.heading] > 1 and column.path == f"params.{column.heading}"
        else column
        for column in columns
    ]


def table(rows: Sequence[Row], columns: Sequence[Column], *, colored: bool, width: int | None = None) -> str:
    """Return a table of rows with headings; without rows, only the headings.

    Args:
        rows: rows to show.
        columns: columns of the table.
        colored: True to colour states.
        width: width of the terminal; None for unlimited.
    """
    return draw_table(rows, columns, colored=colored, width=width)[0]


def draw_table(
    rows: Sequence[Row], columns: Sequence[Column], *, colored: bool, width: int | None, all_of: bool = False
) -> tuple[str, list[str]]:
    """Return a table, and the headings of the columns that do not fit the width.

    If a width is given, empty columns are omitted, and not listed, unless `all_of` is true.
    """
    shown = [[column.text(row) for column in columns] for row in rows]
    headings = [clean(column.heading.upper()) for column in columns]
    places = list(range(len(columns)))
    if width is None:
        widths = {place: max(_width(line[place]) for line in [headings, *shown]) for place in places}
    else:
        if rows and not all_of:
            places = [place for place in places if any(line[place] != cell(None) for line in shown)]
        needs = [_need(columns[place], headings[place], [line[place] for line in shown]) for place in places]
        widths = {places[which]: room for which, room in fit_widths(needs, width).items()}
    text = []
    for line in [headings, *shown]:
        cells = [_padded(cut(line[place], room), room, colored=colored) for place, room in widths.items()]
        text.append((" " * GAP).join(cells).rstrip() + "\n")
    return "".join(text), [headings[place] for place in places if place not in widths]


def listing(entries: Sequence[tuple[str, str]], *, colored: bool, width: int | None = None) -> str:
    """Return names and values, one entry per line; omit entries whose value is a dash.

    Further lines of a value are indented. If `width` is given, long lines are wrapped at blanks.
    """
    entries = [entry for entry in entries if entry[1] != "-"]
    indent = max((len(name) for name, _ in entries), default=0) + 2
    text = []
    for name, value in entries:
        lines = value.splitlines() or [""]
        first, *rest = (part for line in lines for part in wrapped(line, width and width - indent))
        text.append(f"{name + ':':<{indent}}{painted(first, colored=colored)}".rstrip() + "\n")
        text += [f"{'':{indent}}{line}".rstrip() + "\n" for line in rest]
    return "".join(text)


def wrapped(line: str, width: int | None, indent: str = "") -> list[str]:
    """Wrap a line at blanks to fit a width; all parts but the first begin with `indent`.

    A command stays on one line even if it is longer, so that it can be copied.
    """
    if width is None or _width(line) <= width:
        return [line]
    margin = line[: len(line) - len(line.lstrip())]
    parts = textwrap.wrap(
        _COMMAND.sub(lambda found: found[0].replace(" ", _NO_BREAK), line.strip()),
        max(width, _MIN_LINE_WIDTH),
        initial_indent=margin,
        subsequent_indent=margin + indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [part.replace(_NO_BREAK, " ") for part in parts] or [line]


def painted(text: str, *, colored: bool) -> str:
    """Return a state in its colour; return other texts unchanged."""
    color = _COLORS.get(text)
    return f"\x1b[{color}m{text}\x1b[0m" if colored and color else text


def _padded(entry: str, width: int, *, colored: bool) -> str:
    return painted(entry, colored=colored) + " " * (width - _width(entry))


def cut(text: str, room: int) -> str:
    """Cut a text to a width, and mark the cut with an ellipsis."""
    if _width(text) <= room:
        return text
    kept = text[: max(room - 1, 0)]
    while kept and _width(kept) >= room:
        kept = kept[:-1]
    return f"{kept}…"


def _need(column: Column, heading: str, cells: Sequence[str]) -> Need:
    """Return the width requirements of a column: long texts may be cut, numbers may not."""
    widest = max(map(_width, cells), default=0)
    room = min(widest, _MAX_TEXT_WIDTH) if column.long else widest
    return Need(
        cells=room,
        heading=_width(heading),
        cut=column.long,
        uncut=min(max((_width(text) for text in cells if is_number(text)), default=0), room),
        spare=column.spare,
    )


def is_number(text: str) -> bool:
    """Return True if a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _width(text: str) -> int:
    """Return the width of a text in terminal columns."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def fit_widths(needs: Sequence[Need], width: int) -> dict[int, int]:
    """Return the width of each column to show, by column index.

    The widest columns are cut first: to `_READABLE` before less informative columns are dropped, and to their
    minimum before other spare ones are. If the rest still does not fit, nothing is cut; `width` is exceeded.
    """
    kept = _without_spare(needs, list(range(len(needs))), width, text=_READABLE, spare=_LESS_INFORMATIVE)
    kept = _without_spare(needs, kept, width, text=_MIN_COLUMN_WIDTH, spare=1)
    if _total([needs[place].least() for place in kept]) > width:
        return {place: needs[place].widest for place in kept}
    limit = max((needs[place].widest for place in kept), default=0)
    while _total([_narrowed(needs[place], limit) for place in kept]) > width:
        limit -= 1
    return {place: _narrowed(needs[place], limit) for place in kept}


def _without_spare(
    needs: Sequence[Need], places: list[int], width: int, *, text: int, spare: int
) -> list[int]:
    """Drop columns whose `spare` is at least the given one until the rest fits; return the rest."""
    kept = list(places)
    while _total([needs[place].least(text) for place in kept]) > width:
        most, place = max((needs[place].spare, place) for place in kept)
        if most < spare:
            break
        kept.remove(place)
    return kept


def _narrowed(need: Need, limit: int) -> int:
    return max(need.least(), min(need.widest, limit))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * max(len(widths) - 1, 0)


def csv_text(headings: Sequence[str], rows: Iterable[Sequence[Json]], *, raw: bool = False) -> str:
    """Return a table as CSV; `raw` leaves texts unchanged.

    Otherwise control characters, including line feeds, are escaped, and a text that a spreadsheet would take
    for a formula gets an apostrophe as a prefix, unless the text is a number.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_text(heading, raw=raw) for heading in headings])
    writer.writerows([_cell(value, raw=raw) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Json, *, raw: bool) -> str:
    if value is None:
        return ""
    return _text(value, raw=raw) if isinstance(value, str) else json_text(value)


def _text(text: str, *, raw: bool) -> str:
    if raw:
        return text
    harmless = clean(text)
    return f"'{harmless}" if harmless.startswith(_FORMULA) and not _NUMBER.fullmatch(harmless) else harmless
