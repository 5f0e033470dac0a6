"""Reads pages of histories: chunks as they are stored, cut or thinned only where a reader needs it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import groupby

from sweepd_metric_store import codec
from sweepd_metric_store.domain.downsample import thinned
from sweepd_metric_store.domain.view import EVERYTHING, NOTHING, Attempt, last_visible_steps, windowed
from sweepd_metric_store.history_page import PageBuilder, Part, SeriesName
from sweepd_metric_store.ports import HistoryPage, HistoryQuery, Position
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


def takes_long(connection: sqlite3.Connection, query: HistoryQuery) -> bool:
    """Tell whether thinning is so much work that other reads should not wait for a page of `query`."""
    statement = _POINTS_AHEAD.format(runs=runs_clause(query.selection), keys=KEYS)
    asked = parameters(query.selection, run_id=query.start.run_id) | {"most": _SERIES_LOOKED_AT}
    (points,) = connection.execute(statement, asked).fetchone()
    return int(points) > LONG_POINTS


def page(connection: sqlite3.Connection, query: HistoryQuery) -> HistoryPage:
    """Return the page of `query`."""
    builder = PageBuilder(query.budget)
    work = 0
    for series in _series(connection, query):
        start_row = _start_row(series, query)
        if start_row is None:
            continue
        if work > MAX_THINNED_POINTS:
            return HistoryPage(series=builder.encoded(), rest=_position(series.name, start_row))
        visible = _visible_points(connection, series)
        parts = parts_between(connection, series.held, first_row=start_row, last_step=series.last_step)
        if query.max_points and visible > query.max_points:
            work += visible
            parts = _thinned(connection, series, visible, query.max_points, start_row)
        builder.begin(series.name)
        for part in parts:
            if not builder.add(part):
                return HistoryPage(series=builder.encoded(), rest=_position(series.name, part.first_row))
    return HistoryPage(series=builder.encoded(), rest=None)


def parts_between(
    connection: sqlite3.Connection,
    held: Held,
    *,
    first_row: int,
    last_row: int = EVERYTHING,
    last_step: int = EVERYTHING,
) -> Iterator[Part]:
    """Yield the stored chunks of a series, cut where they reach beyond these rows or this step.

    They come in the order of their first rows. Where stretches of different types overlap, cutting may change
    that order, so a part is held until no chunk to come can begin before it.
    """
    waiting: list[tuple[int, Part]] = []
    for first, last, least_step, greatest_step, body in connection.execute(
        _CHUNKS, (held.series_id, first_row, last_row, held.mixed)
    ):
        while waiting and waiting[0][0] < first:
            yield heappop(waiting)[1]
        if least_step > last_step:
            continue
        part = Part(first_row=first, last_row=last, body=body)
        if first < first_row or last > last_row or greatest_step > last_step:
            cut = windowed(codec.stretch(body), first_row=first_row, last_row=last_row, last_step=last_step)
            if not len(cut):
                continue
            part = Part.of(cut)
        for half in part.halved():
            heappush(waiting, (half.first_row, half))
    while waiting:
        yield heappop(waiting)[1]


def _thinned(
    connection: sqlite3.Connection, series: StoredSeries, visible: int, max_points: int, start_row: int
) -> Iterator[Part]:
    stored = parts_between(connection, series.held, first_row=0, last_step=series.last_step)
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
    rows = connection.execute(
        _SERIES.format(runs=runs_clause(query.selection), keys=KEYS),
        parameters(query.selection, run_id=query.start.run_id),
    )
    for (run_id, run), of_run in groupby(rows, key=lambda row: (row[0], row[1])):
        found = list(of_run)
        limits = last_visible_steps(
            {Attempt(number=row[2], resumed_from_step=row[3]) for row in found}
            if not query.all_attempts
            else ()
        )
        order = (2, 5) if query.by_attempt else (5, 2)
        for _, _, number, _, series_id, key, points, kinds in sorted(
            (row for row in found if row[5] is not None), key=lambda row: (row[order[0]], row[order[1]])
        ):
            last_step = limits.get(number, EVERYTHING)
            if last_step != NOTHING:
                name = SeriesName(run_id=run_id, run=run, attempt=number, key=key)
                yield StoredSeries(held=Held(series_id, kinds), name=name, points=points, last_step=last_step)


# Attempts without a wanted series come too, as they may have replaced others.
_SERIES = """
    select r.id, r.name, a.number, a.resumed_from_step, s.id, k.name, s.points, s.kinds from run r
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
# Chunks of one type follow each other, so the first that is wanted can be sought.
_CHUNKS = """
    select first_row, last_row, min_step, max_step, body from chunk
    where series_id = ?1 and last_row >= ?2 and first_row <= ?3 and first_row >= case when ?4 then 0 else
        coalesce((select max(first_row) from chunk where series_id = ?1 and first_row <= ?2), 0) end
    order by first_row"""
_POINTS_UP_TO = "select coalesce(sum(points), 0) from chunk where series_id = ? and min_step <= ?"
