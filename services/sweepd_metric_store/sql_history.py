"""Reads pages of histories: chunks as they are stored, cut or thinned only where a reader needs it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import groupby

from sweepd_kernel.database import damage_of
from sweepd_metric_store import codec, sql_chunk_rows, sql_series
from sweepd_metric_store.domain.checksum import Damage, DamagedBodyError
from sweepd_metric_store.domain.downsample import thinned
from sweepd_metric_store.domain.view import EVERYTHING, NOTHING, Attempt, last_visible_steps, windowed
from sweepd_metric_store.history_page import PageBuilder, Part, SeriesName
from sweepd_metric_store.ports import SYSTEM, HistoryPage, HistoryQuery, Position
from sweepd_metric_store.sql_chunk_rows import OnDamage
from sweepd_metric_store.sql_selection import KEYS, parameters, runs_clause

MAX_THINNED_POINTS = 2_000_000
"""A page ends early once thinning has read this many points, so that no single call works for seconds."""
LONG_POINTS = 100_000
"""To thin more than this takes a tenth of a second and longer."""
_SERIES_LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True)
class Held:
    """Where a series is held: the key of its chunks, and the types of its values as bits."""

    series_id: int
    kinds: int

    @property
    def mixed(self) -> bool:
        """Whether there are several types, so that chunks may overlap."""
        return self.kinds.bit_count() > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSeries:
    """A series that a page may show, up to `last_step`."""

    held: Held
    name: SeriesName
    points: int
    last_step: int


class Damages:
    """Damage that is found while an answer is made; without `skip` the first of it ends the reading."""

    def __init__(self, *, skip: bool = True) -> None:
        self._skip = skip
        self.all: list[Damage] = []

    def of(self, name: SeriesName) -> OnDamage:
        """Return what to call for each damaged chunk of a series.

        It raises DamagedBodyError, unless what is damaged is skipped.
        """
        run = name.run.removesuffix(SYSTEM)
        return lambda: self.add(Damage(run=run, attempt=name.attempt, what="points", name=name.key))

    def add(self, damage: Damage) -> None:
        """Note what is damaged, once.

        Raises:
            DamagedBodyError: it is not to be skipped.
        """
        if not self._skip:
            raise DamagedBodyError(damage)
        if damage not in self.all:
            self.all.append(damage)


def takes_long(connection: sqlite3.Connection, query: HistoryQuery) -> bool:
    """Tell whether thinning is so much work that other reads should not wait for a page of `query`."""
    statement = _POINTS_AHEAD.format(runs=runs_clause(query.selection), keys=KEYS)
    asked = parameters(query.selection, run_id=query.start.run_id) | {"most": _SERIES_LOOKED_AT}
    (points,) = connection.execute(statement, asked).fetchone()
    return int(points) > LONG_POINTS


def page(connection: sqlite3.Connection, query: HistoryQuery) -> HistoryPage:
    """Return the page of `query`."""
    builder = PageBuilder(query.budget)
    found = Damages(skip=query.skip_damaged)
    work = 0
    for series in _series(connection, query):
        start_row = _start_row(series, query)
        if start_row is None:
            continue
        if work > MAX_THINNED_POINTS:
            return _page(builder, found, _position(series.name, start_row))
        on_damage = found.of(series.name)
        visible = _visible_points(connection, series)
        parts = parts_between(
            connection,
            series.held,
            on_damage,
            first_row=start_row,
            last_step=series.last_step,
            expected=series.points,
        )
        if query.max_points and visible > query.max_points:
            work += visible
            parts = _thinned(connection, series, on_damage, visible, query.max_points, start_row)
        builder.begin(series.name)
        for part in parts:
            if not builder.add(part):
                return _page(builder, found, _position(series.name, part.first_row))
    return _page(builder, found, None)


def _page(builder: PageBuilder, found: Damages, rest: Position | None) -> HistoryPage:
    return HistoryPage(series=builder.encoded(), rest=rest, damaged=found.all)


def parts_between(
    connection: sqlite3.Connection,
    held: Held,
    on_damage: OnDamage,
    *,
    first_row: int,
    last_row: int = EVERYTHING,
    last_step: int = EVERYTHING,
    expected: int = 0,
) -> Iterator[Part]:
    """Yield the stored chunks of a series but those that are damaged, cut where they reach beyond these rows.

    Likewise where they reach beyond this step. Of the points that are `expected` of the whole series, missing
    ones are damage, too; 0: nobody knows their number.

    They come in the order of their first rows. Where stretches of different types overlap, cutting may change
    that order, so a part is held until no chunk to come can begin before it.
    """
    waiting: list[tuple[int, Part]] = []
    for chunk in sql_chunk_rows.read(
        connection,
        held.series_id,
        on_damage,
        first_row=first_row,
        last_row=last_row,
        mixed=held.mixed,
        expected=expected,
    ):
        while waiting and waiting[0][0] < chunk.first_row:
            yield heappop(waiting)[1]
        if chunk.min_step > last_step:
            continue
        part = Part(first_row=chunk.first_row, last_row=chunk.last_row, body=chunk.body)
        if chunk.first_row < first_row or chunk.last_row > last_row or chunk.max_step > last_step:
            stretch = codec.stretch(chunk.body)
            cut = windowed(stretch, first_row=first_row, last_row=last_row, last_step=last_step)
            if not len(cut):
                continue
            part = Part.of(cut)
        for half in part.halved():
            heappush(waiting, (half.first_row, half))
    while waiting:
        yield heappop(waiting)[1]


def _thinned(
    connection: sqlite3.Connection,
    series: StoredSeries,
    on_damage: OnDamage,
    visible: int,
    max_points: int,
    start_row: int,
) -> Iterator[Part]:
    stored = parts_between(
        connection, series.held, on_damage, first_row=0, last_step=series.last_step, expected=series.points
    )
    kept = thinned((codec.stretch(part.body) for part in stored), total=visible, max_points=max_points)
    # The whole is thinned for each page and cut afterwards, so that its buckets do not depend on the pages.
    cut = (windowed(each, first_row=start_row, last_row=EVERYTHING) for each in kept)
    yield from sorted((Part.of(each) for each in cut if len(each)), key=lambda part: part.first_row)


def _visible_points(connection: sqlite3.Connection, series: StoredSeries) -> int:
    if series.last_step == EVERYTHING:
        return series.points
    (points,) = connection.execute(_POINTS_UP_TO, (series.held.series_id, series.last_step)).fetchone()
    return int(points)


def _position(name: SeriesName, row: int) -> Position:
    return Position(run_id=name.run_id, key=name.key, attempt=name.attempt, row=row)


def _start_row(series: StoredSeries, query: HistoryQuery) -> int | None:
    """Return the row from which this page shows a series: None if earlier pages showed it all."""
    name, start = series.name, query.start
    here = (name.attempt, name.key) if query.by_attempt else (name.key, name.attempt)
    there = (start.attempt, start.key) if query.by_attempt else (start.key, start.attempt)
    if name.run_id > start.run_id or here > there:
        return 0
    return start.row if here == there else None


def _series(connection: sqlite3.Connection, query: HistoryQuery) -> Iterator[StoredSeries]:
    """Yield the series that are to be seen, in the order of the query."""
    rows = _series_rows(connection, query)
    for (run_id, run), of_run in groupby(rows, key=lambda row: (row[0], row[1])):
        found = list(of_run)
        limits = last_visible_steps(
            {Attempt(number=row[2], resumed_from_step=row[3]) for row in found}
            if not query.all_attempts
            else ()
        )
        order = (2, 4) if query.by_attempt else (4, 2)
        for _, _, number, _, key, series_id, points, kinds in sorted(
            (row for row in found if row[4]), key=lambda row: (row[order[0]], row[order[1]])
        ):
            last_step = limits.get(number, EVERYTHING)
            if last_step != NOTHING:
                name = SeriesName(run_id=run_id, run=run, attempt=number, key=key)
                yield StoredSeries(held=Held(series_id, kinds), name=name, points=points, last_step=last_step)


def _series_rows(
    connection: sqlite3.Connection, query: HistoryQuery
) -> Iterator[tuple[int, str, int, int | None, str, int, int, int]]:
    """Yield run, its name, attempt, where that resumed, key, id of the series, its points and kinds.

    Of an attempt without a wanted series the last four are nothing. Where a page is unreadable, the series of
    the others are looked at one by one.
    """
    clauses = {"runs": runs_clause(query.selection), "keys": KEYS}
    asked = parameters(query.selection, run_id=query.start.run_id)
    run_id, yielded = 0, set[tuple[int, str | None]]()
    try:
        for row in connection.execute(_SERIES.format(figures=sql_series.FIGURES, **clauses), asked):
            if row[0] != run_id:
                run_id, yielded = row[0], set()
            yielded.add((row[2], row[4]))
            yield (*row[:6], *(sql_series.points_and_kinds(row[5:]) if row[4] else (0, 0)))
    except sqlite3.Error as error:
        if not damage_of(error):
            raise
    else:
        return
    # The index alone names the series of all attempts.
    names = connection.execute(_SERIES.format(figures="s.id", **clauses), asked | {"run_id": run_id})
    for row in names.fetchall():
        if row[0] != run_id or (row[2], row[4]) not in yielded:
            yield (*row, *_points_and_kinds(connection, row[5]))


def _points_and_kinds(connection: sqlite3.Connection, series_id: int) -> tuple[int, int]:
    try:
        figures = connection.execute(sql_series.ONE, (series_id,)).fetchone()
    except sqlite3.Error as error:
        if not damage_of(error):
            raise
        return sql_series.UNKNOWN
    return sql_series.points_and_kinds(figures) if figures else sql_series.UNKNOWN


# Attempts without a wanted series come too, as they may have replaced others.
_SERIES = """
    select r.id, r.name, a.number, a.resumed_from_step, k.name, {figures} from run r
    cross join attempt a on a.run_id = r.id and a.point_row > 0
    left join series s on s.attempt_id = a.id
    left join metric_key k on k.id = s.key_id and {keys}
    where {runs} order by r.id"""
_POINTS_AHEAD = """
    select coalesce(sum(points), 0) from (
        select s.points from run r
        cross join attempt a on a.run_id = r.id
        cross join series s on s.attempt_id = a.id
        cross join metric_key k on k.id = s.key_id
        where {runs} and {keys} limit :most)"""
_POINTS_UP_TO = "select coalesce(sum(points), 0) from chunk where series_id = ? and min_step <= ?"
