"""Pages of histories: chunks as they are stored, cut or thinned only where the query needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import groupby

from sweepd_kernel.errors import DamagedError
from sweepd_kernel.sql.database import Connection
from sweepd_metric_store import encoding
from sweepd_metric_store.domain.view import (
    EVERYTHING,
    NOTHING,
    Attempt,
    last_visible_steps,
    thinned,
    windowed,
)
from sweepd_metric_store.ports import HistoryPage, HistoryQuery, Position
from sweepd_metric_store.store import chunks, queries
from sweepd_metric_store.store.queries import (
    KEYS,
    Damages,
    OnDamage,
    PageBuilder,
    Part,
    SeriesName,
    parameters,
    runs_clause,
)

MAX_THINNED_POINTS = 2_000_000
"""A page ends early once thinning has read this many points, so that no call takes seconds."""
LONG_POINTS = 100_000
"""Thinning more points than this takes over a tenth of a second."""
_SERIES_LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True)
class SeriesRef:
    """Id of a series, and the types of its values as bits."""

    series_id: int
    kinds: int

    @property
    def mixed(self) -> bool:
        """True if there are several types, so that chunks may overlap."""
        return self.kinds.bit_count() > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSeries:
    """A series, visible up to `last_step`."""

    ref: SeriesRef
    name: SeriesName
    points: int
    last_step: int


def takes_long(connection: Connection, query: HistoryQuery) -> bool:
    """Tell whether thinning takes so long that other reads should not wait for a page of `query`."""
    statement = _POINTS_AHEAD.format(runs=runs_clause(query.selection), keys=KEYS)
    asked = parameters(query.selection, run_id=query.start.run_id) | {"most": _SERIES_LOOKED_AT}
    return queries.number(connection, statement, asked) > LONG_POINTS


def page(connection: Connection, query: HistoryQuery) -> HistoryPage:
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
            series.ref,
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
    connection: Connection,
    ref: SeriesRef,
    on_damage: OnDamage,
    *,
    first_row: int,
    last_row: int = EVERYTHING,
    last_step: int = EVERYTHING,
    expected: int = 0,
) -> Iterator[Part]:
    """Yield the intact chunks of a series in the order of first rows, cut to these rows and this last step.

    Points missing from those `expected` of the whole series (0: unknown) are damage, too. Cutting may change
    the order where stretches of different types overlap, so a part is held until no later chunk can begin
    before it.
    """
    waiting: list[tuple[int, Part]] = []
    for chunk in chunks.read(
        connection,
        ref.series_id,
        on_damage,
        first_row=first_row,
        last_row=last_row,
        mixed=ref.mixed,
        expected=expected,
    ):
        while waiting and waiting[0][0] < chunk.first_row:
            yield heappop(waiting)[1]
        if chunk.min_step > last_step:
            continue
        part = Part(first_row=chunk.first_row, last_row=chunk.last_row, body=chunk.body)
        if chunk.first_row < first_row or chunk.last_row > last_row or chunk.max_step > last_step:
            stretch = encoding.stretch(chunk.body)
            cut = windowed(stretch, first_row=first_row, last_row=last_row, last_step=last_step)
            if not len(cut):
                continue
            part = Part.of(cut)
        for half in part.halved():
            heappush(waiting, (half.first_row, half))
    while waiting:
        yield heappop(waiting)[1]


def _thinned(
    connection: Connection,
    series: StoredSeries,
    on_damage: OnDamage,
    visible: int,
    max_points: int,
    start_row: int,
) -> Iterator[Part]:
    stored = parts_between(
        connection, series.ref, on_damage, first_row=0, last_step=series.last_step, expected=series.points
    )
    kept = thinned((encoding.stretch(part.body) for part in stored), total=visible, max_points=max_points)
    # Each page thins the whole series and cuts afterwards, so that buckets do not depend on pages.
    cut = (windowed(each, first_row=start_row, last_row=EVERYTHING) for each in kept)
    yield from sorted((Part.of(each) for each in cut if len(each)), key=lambda part: part.first_row)


def _visible_points(connection: Connection, series: StoredSeries) -> int:
    if series.last_step == EVERYTHING:
        return series.points
    return queries.number(connection, _POINTS_UP_TO, (series.ref.series_id, series.last_step))


def _position(name: SeriesName, row: int) -> Position:
    return Position(run_id=name.run_id, key=name.key, attempt=name.attempt, row=row)


def _start_row(series: StoredSeries, query: HistoryQuery) -> int | None:
    """Return the row from which this page has a series; None if earlier pages had all of it."""
    name, start = series.name, query.start
    here = (name.attempt, name.key) if query.by_attempt else (name.key, name.attempt)
    there = (start.attempt, start.key) if query.by_attempt else (start.key, start.attempt)
    if name.run_id > start.run_id or here > there:
        return 0
    return start.row if here == there else None


def _series(connection: Connection, query: HistoryQuery) -> Iterator[StoredSeries]:
    """Yield the visible series, in the order of the query."""
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
                yield StoredSeries(
                    ref=SeriesRef(series_id, kinds), name=name, points=points, last_step=last_step
                )


def _series_rows(
    connection: Connection, query: HistoryQuery
) -> Iterator[tuple[int, str, int, int | None, str, int, int, int]]:
    """Yield id and name of the run, attempt, step resumed from, key, id of the series, points and kinds.

    The last four are empty for an attempt without a selected series. Where a page is unreadable, the other
    series are read one by one.
    """
    clauses = {"runs": runs_clause(query.selection), "keys": KEYS}
    asked = parameters(query.selection, run_id=query.start.run_id)
    run_id, yielded = 0, set[tuple[int, str | None]]()
    try:
        for row in connection.execute(_SERIES.format(figures=queries.FIGURES, **clauses), asked):
            if row[0] != run_id:
                run_id, yielded = row[0], set()
            yielded.add((row[2], row[4]))
            yield (*row[:6], *(queries.points_and_kinds(row[5:]) if row[4] else (0, 0)))
    except DamagedError:
        pass
    else:
        return
    # The index alone lists the series of all attempts.
    names = connection.execute(_SERIES.format(figures="s.id", **clauses), asked | {"run_id": run_id})
    for row in names.all():
        if row[0] != run_id or (row[2], row[4]) not in yielded:
            yield (*row, *_points_and_kinds(connection, row[5]))


def _points_and_kinds(connection: Connection, series_id: int) -> tuple[int, int]:
    try:
        figures = connection.execute(queries.ONE, (series_id,)).first()
    except DamagedError:
        return queries.UNKNOWN
    return queries.points_and_kinds(figures) if figures else queries.UNKNOWN


# Attempts without a selected series are included, as they may have replaced others.
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
        where {runs} and {keys} limit :most) ahead"""
_POINTS_UP_TO = "select coalesce(sum(points), 0) from chunk where series_id = ? and min_step <= ?"
