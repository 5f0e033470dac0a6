"""Queries shared by all reads: selection of runs and keys, rows of series, pages, and damage."""

import json
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias

from sweepd_kernel.errors import DamagedError
from sweepd_kernel.sql.database import Connection, Row, Values
from sweepd_metric_store import encoding
from sweepd_metric_store.domain.batch import Kind, Stretch
from sweepd_metric_store.domain.checksum import Damage, DamagedBodyError, is_intact
from sweepd_metric_store.domain.view import windowed
from sweepd_metric_store.ports import SYSTEM, Selection
from sweepd_metric_store.store.tables_sql import SERIES

MAX_PART_BYTES = 48 * 1024
"""Size above which a part is halved to fit into a small page; only parts with long texts are so large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesName:
    """Name of a series."""

    run_id: int
    run: str
    attempt: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An encoded stretch and the range of its rows."""

    first_row: int
    last_row: int
    body: bytes

    @classmethod
    def of(cls, stretch: Stretch) -> "Part":
        """Encode a stretch."""
        rows = stretch.spine.rows
        return cls(first_row=rows[0], last_row=rows[-1], body=encoding.chunk_bytes(stretch))

    def up_to(self, last_row: int) -> "Iterator[Part]":
        """Yield this part, cut after `last_row`, unless nothing is left."""
        if self.last_row <= last_row:
            yield self
        elif self.first_row <= last_row:
            stretch = encoding.stretch(self.body)
            yield Part.of(windowed(stretch, first_row=self.first_row, last_row=last_row))

    def halved(self) -> "Iterator[Part]":
        """Yield this part, recursively halved until small enough."""
        if len(self.body) <= MAX_PART_BYTES or self.first_row == self.last_row:
            yield self
            return
        stretch = encoding.stretch(self.body)
        middle = len(stretch) // 2
        for half in (stretch.part(0, middle), stretch.part(middle, len(stretch))):
            yield from Part.of(half).halved()


@dataclass(slots=True)
class _OpenSeries:
    name: SeriesName
    parts: list[Part] = field(default_factory=list)


class PageBuilder:
    """Builder of a page, to which parts are added series by series, in order of first row."""

    def __init__(self, budget: int) -> None:
        self._room = budget
        self._series: list[_OpenSeries] = []

    def begin(self, name: SeriesName) -> None:
        """Begin the next series."""
        self._series.append(_OpenSeries(name))
        self._room -= len(name.run.encode()) + len(name.key.encode()) + 4 * encoding.FRAME

    def add(self, part: Part) -> bool:
        """Add a part to the current series; return False if the page is full and ends before the part.

        Parts of a series must be added in order of first row.
        """
        cost = len(part.body) + encoding.FRAME
        if self._room < cost and any(series.parts for series in self._series):
            self._end_before(part.first_row)
            return False
        self._room -= cost
        self._series[-1].parts.append(part)
        return True

    def encoded(self) -> list[bytes]:
        """Return the encoded series that have points."""
        return [
            encoding.series(
                each.name.run, each.name.attempt, each.name.key, [part.body for part in each.parts]
            )
            for each in self._series
            if each.parts
        ]

    def _end_before(self, row: int) -> None:
        """Cut parts that overlap the next page: stretches of different types may interleave."""
        series = self._series[-1]
        series.parts = [kept for part in series.parts for kept in part.up_to(row - 1)]


OnDamage: TypeAlias = Callable[[], None]
"""Callback for damage to a series; may raise an exception to end the read."""

# Runs are selected from an id on, since each page continues where the previous one ended.
_RUNS_OF_SWEEP = "r.sweep_id = (select id from sweep where name = :sweep) and r.id >= :run_id"
_RUNS_NAMED = "r.name in (select value from json_each(:runs)) and r.id >= :run_id"
_KEYS = "(cast(:keys as text) is null or k.name in (select value from json_each(:keys)))"


def clauses(selection: Selection) -> dict[str, str]:
    """Return the SQL conditions on `run r` and `metric_key k`, by placeholder in statements."""
    return {"runs": _RUNS_OF_SWEEP if selection.sweep else _RUNS_NAMED, "keys": _KEYS}


def parameters(selection: Selection, *, run_id: int = 0) -> dict[str, str | int | None]:
    """Return the values of the parameters in `clauses`."""
    return {
        "sweep": selection.sweep,
        "runs": _as_json(selection.runs),
        "keys": _as_json(selection.keys) if selection.keys else None,
        "run_id": run_id,
    }


def _as_json(names: AbstractSet[str]) -> str:
    """Return names as JSON, except those with a NUL, which are never stored and illegal in some dialects."""
    return json.dumps(sorted(name for name in names if "\0" not in name))


def number(connection: Connection, statement: str, values: Values = ()) -> int:
    """Return the number selected by a statement that always returns a row."""
    row = connection.execute(statement, values).first()
    assert row is not None
    return int(row[0])


_COLUMNS = SERIES.columns[: SERIES.columns.index("checksum") + 1]
_SUMMARY, _POINTS, _KINDS = (_COLUMNS.index(name) for name in ("summary", "points", "kinds"))
_FIGURES = ", ".join(f"s.{name}" for name in _COLUMNS)
"""Columns of `series s`, from its id to its checksum."""
_FIGURES_BY_ID = f"select {_FIGURES} from series s where s.id = ?"
_UNKNOWN = (0, sum(1 << kind for kind in Kind))
"""Points and kinds of a damaged series: 0 points, which disables thinning, and all kinds."""


def series_rows(
    connection: Connection, statement: str, selection: Selection, *, run_id: int = 0, attempt_id: int = 0
) -> Iterator[tuple[Row, Row | None]]:
    """Yield the columns up to the id, and the figures, of each series; the figures are None if unreadable.

    Args:
        connection: a connection in a transaction.
        statement: selects its sort column first and `{figures}` last; its result starts at `:run_id`.
        selection: runs and keys of the statement.
        run_id: id of the first run to select.
        attempt_id: id of the attempt, for a statement about one attempt.
    """
    values = parameters(selection, run_id=run_id) | {"attempt_id": attempt_id}
    conditions = clauses(selection)
    yielded = set[Row]()
    try:
        for row in connection.execute(statement.format(figures=_FIGURES, **conditions), values):
            if row[0] != run_id:
                run_id, yielded = row[0], set()
            names = row[: 1 - len(_COLUMNS)]
            yielded.add(names)
            yield names, row[-len(_COLUMNS) :]
    except DamagedError:
        pass
    else:
        return
    # A database page is unreadable: list the series from the index, and read the figures one by one.
    rest = connection.execute(statement.format(figures="s.id", **conditions), values | {"run_id": run_id})
    for names in rest.all():
        if names not in yielded:
            yield names, _figures(connection, names[-1])


def _figures(connection: Connection, series_id: int) -> Row | None:
    try:
        return connection.execute(_FIGURES_BY_ID, (series_id,)).first()
    except DamagedError:
        return None


def summary(figures: Row | None) -> bytes | None:
    """Return the summary, or None if it is damaged or unreadable."""
    if figures is None or not is_intact(figures[:-1], figures[-1]):
        return None
    body: bytes = figures[_SUMMARY]
    return body


def points_and_kinds(figures: Row | None) -> tuple[int, int]:
    """Return the number of points, and a bit mask of their value types; `_UNKNOWN` if damaged."""
    return _UNKNOWN if figures is None or summary(figures) is None else (figures[_POINTS], figures[_KINDS])


class Damages:
    """Damage found by a read; without `skip`, the first damage ends the read."""

    def __init__(self, *, skip: bool = True) -> None:
        self._skip = skip
        self.all: list[Damage] = []

    def of(self, name: SeriesName) -> OnDamage:
        """Return a callback for damaged chunks of a series; without `skip` it raises DamagedBodyError."""
        run = name.run.removesuffix(SYSTEM)
        return lambda: self.add(Damage(run=run, attempt=name.attempt, what="points", name=name.key))

    def add(self, damage: Damage) -> None:
        """Record damage, unless already recorded.

        Raises:
            DamagedBodyError: damage is not skipped.
        """
        if not self._skip:
            raise DamagedBodyError(damage)
        if damage not in self.all:
            self.all.append(damage)
