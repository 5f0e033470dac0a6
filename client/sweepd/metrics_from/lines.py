"""Readers that convert lines to rows: pattern matches, JSON objects, or table rows."""

import csv
import json
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import FrameType

STEP_NAMES = ("_step", "step", "global_step")
"""Names of the step value, in order of precedence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Values logged together; groups stay nested, as in a line of the metrics file."""

    values: Mapping[str, object]
    step: int | None = None
    time: float | None = None


def number_of(text: str) -> float | int | None:
    """Return the number in a text, without a trailing `%`, `,` or `;`; None if the text is not a number."""
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
    """Return a row with step and time separated from the other values; None if there are no others."""
    left = dict(values)
    step = next((left.pop(name) for name in STEP_NAMES if name in left), None)
    if isinstance(step, float) and step.is_integer():
        step = int(step)
    time = left.pop("_time", None)
    if not left:
        return None
    return Row(
        values=left,
        step=step if isinstance(step, int) and not isinstance(step, bool) else None,
        time=float(time) if isinstance(time, int | float) else None,
    )


def row_of_texts(texts: Iterable[tuple[str, str | None]]) -> Row | None:
    """Return a row of the named texts that are numbers; None if there are none."""
    return row_of(
        {
            name: number
            for name, text in texts
            if name and text is not None and (number := number_of(text)) is not None
        }
    )


@dataclass(slots=True)
class Complaints:
    """Problems of a source, without duplicates."""

    recorded: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Record a problem, unless it is a duplicate or the limit is reached."""
        if text not in self.recorded and len(self.recorded) < 20:
            self.recorded.append(text)
            self.fresh.append(text)

    def taken(self) -> list[str]:
        """Return the problems recorded since the last call."""
        fresh, self.fresh = self.fresh, []
        return fresh


MAX_LINE_BYTES = 1024 * 1024
_MAX_COLUMNS = 1_000


Reader = Callable[[str, bool], Row | None]
"""Function that takes a line, and whether it is the first of its file, and returns its row or None.

It raises ValueError for a line that it cannot parse, and TooSlowError if its pattern is too slow.
"""


def json_row(line: str, first: bool) -> Row | None:
    """Return the row of a line that is a JSON object; None if it has no values or the line is blank."""
    if not line.strip():
        return None
    document: object = json.loads(line)
    if not isinstance(document, dict):
        raise ValueError("a line is not a JSON object")
    return row_of(document)


class Table:
    """Reader of a table: a header line, then values; empty cells and texts are left out."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._names: list[str] = []

    def read(self, line: str, first: bool) -> Row | None:
        """Return the row of a line; None for the header, and for a line without numbers."""
        cells = next(csv.reader([line], delimiter=self._delimiter), [])
        if first:
            self._names = [name.strip().lstrip("\ufeff") for name in cells[:_MAX_COLUMNS]]
            return None
        return row_of_texts(zip(self._names, cells, strict=False))


def reader_of(name: str) -> Reader:
    """Return the reader for a file, chosen by the suffix of `name`."""
    if name.endswith(".csv"):
        return Table(",").read
    if name.endswith((".tsv", ".tab")):
        return Table("\t").read
    return json_row


MAX_LINE = 4_096
"""Maximum number of characters of a line that are matched."""
MATCH_WITHIN = 0.05
"""Limit for matching one line, in seconds of CPU time."""
SLOW = 0.005
"""Minimum CPU time of a line that counts as slow, in seconds."""
MAX_SLOW_TOTAL = 1.0
"""Limit for all slow lines together, in seconds of CPU time."""


class TooSlowError(Exception):
    """The pattern takes too long; the message is a sentence."""


class LinePattern:
    """Reader of values by a regular expression with named groups; it stops if the pattern is too slow.

    A pattern may take exponential time on some lines. Matching checks for signals, so a timer interrupts it;
    this works only in the main thread. Both the time per line and the total time of slow lines are limited,
    because matching blocks the agent. Both are CPU time, which does not depend on the load of the machine.

    `pattern` was validated when the sweep was created: it compiles and has a named group.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self._slow = 0.0
        self._bounded = threading.current_thread() is threading.main_thread()

    def read(self, line: str, first: bool = False) -> Row | None:
        """Return the row of the last match, if any; carriage returns, as in progress bars, also end lines.

        Raises:
            TooSlowError: a match, or all slow matches together, took too long.
        """
        row: Row | None = None
        for part in line.split("\r"):
            begun = time.thread_time()
            found = self._search(part[:MAX_LINE])
            self._add_time(time.thread_time() - begun)
            if found is not None:
                row = row_of_texts(found.groupdict().items()) or row
        return row

    def _add_time(self, taken: float) -> None:
        if taken < SLOW:
            return
        self._slow += taken
        if self._slow > MAX_SLOW_TOTAL:
            raise TooSlowError(
                f"its pattern has taken {MAX_SLOW_TOTAL:g} s on lines that take more than {SLOW * 1000:g} ms "
                "each; it is no longer read"
            )

    def _search(self, line: str) -> "re.Match[str] | None":
        if not self._bounded:
            return self._pattern.search(line)
        try:
            before = signal.signal(signal.SIGVTALRM, _fire)
            try:
                signal.setitimer(signal.ITIMER_VIRTUAL, MATCH_WITHIN)
                return self._pattern.search(line)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                signal.signal(signal.SIGVTALRM, before)
        except _FiredError:
            raise TooSlowError(
                f"its pattern takes more than {MATCH_WITHIN * 1000:g} ms on a line; it is no longer read"
            ) from None


class _FiredError(Exception):
    pass


def _fire(number: int, frame: FrameType | None) -> None:
    raise _FiredError
