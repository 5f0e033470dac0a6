"""Pages of histories, and new points since a watcher's last read.

Chunks are returned as stored, and cut or thinned only if the query requires it.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import groupby
from operator import itemgetter

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
from sweepd_metric_store.ports import AttemptName, EncodedPage, Growth, HistoryQuery, Position, Selection
from sweepd_metric_store.store import queries
from sweepd_metric_store.store.queries import (
    Damages,
    OnDamage,
    PageBuilder,
    Part,
    SeriesName,
    clauses,
    parameters,
)
from sweepd_metric_store.store.series import read_chunks

MAX_THINNED_POINTS = 2_000_000
"""Number of points read for thinning after which a page ends early, so that no call takes seconds."""
LONG_POINTS = 100_000
"""Number of points from which thinning takes more than a tenth of a second."""
_MAX_SERIES_SUMMED = 2_000
READ_BYTES = 64 * 1024
"""Approximate size limit of one read, so that stalled watchers hold little memory and others wait briefly."""
_MAX_KEYS_IN_WHOLE_CHUNKS = 8
"""Maximum number of keys that are read in whole chunks, which are sent as stored."""
_POINT_BYTES = 24
"""Approximate size of a numeric point in a chunk; the size of texts is known only when they are read."""


@dataclass(frozen=True, slots=True)
class SeriesRef:
    """Id of a series, and a bit mask of its value types."""

    series_id: int
    kinds: int

    @property
    def mixed(self) -> bool:
        """True if values have several types, so that chunks may overlap."""
        return self.kinds.bit_count() > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSeries:
    """A series, visible up to `last_step`."""

    ref: SeriesRef
    name: SeriesName
    points: int
    last_step: int


def takes_long(connection: Connection, query: HistoryQuery) -> bool:
    """Return True if thinning takes so long that other reads should not wait for a page of `query`."""
    statement = _POINTS_AHEAD.format(**clauses(query.selection))
    values = parameters(query.selection, run_id=query.start.run_id) | {"most": _MAX_SERIES_SUMMED}
    return queries.number(connection, statement, values) > LONG_POINTS


def page(connection: Connection, query: HistoryQuery) -> EncodedPage:
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


def _page(builder: PageBuilder, found: Damages, rest: Position | None) -> EncodedPage:
    return EncodedPage(items=builder.encoded(), rest=rest, damaged=found.all)


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
    """Yield the intact chunks of a series in order of first row, cut to these rows and to `last_step`.

    A series also counts as damaged if its number of points is not `expected` (0: unknown). Cutting may change
    the order of overlapping stretches, so a part is held until no later chunk can begin before it.
    """
    waiting: list[tuple[int, Part]] = []
    for chunk in read_chunks(
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
    # Each page thins the whole series before cutting, so that buckets do not depend on pages.
    cut = (windowed(each, first_row=start_row, last_row=EVERYTHING) for each in kept)
    yield from sorted((Part.of(each) for each in cut if len(each)), key=lambda part: part.first_row)


def _visible_points(connection: Connection, series: StoredSeries) -> int:
    if series.last_step == EVERYTHING:
        return series.points
    return queries.number(connection, _POINTS_UP_TO, (series.ref.series_id, series.last_step))


def _position(name: SeriesName, row: int) -> Position:
    return Position(run_id=name.run_id, key=name.key, attempt=name.attempt, row=row)


def _start_row(series: StoredSeries, query: HistoryQuery) -> int | None:
    """Return the first row of a series in this page, or None if the whole series is in earlier pages."""
    name, start = series.name, query.start
    place = (name.attempt, name.key) if query.by_attempt else (name.key, name.attempt)
    start_place = (start.attempt, start.key) if query.by_attempt else (start.key, start.attempt)
    if name.run_id > start.run_id or place > start_place:
        return 0
    return start.row if place == start_place else None


def _series(connection: Connection, query: HistoryQuery) -> Iterator[StoredSeries]:
    """Yield the visible series, in the order of the query."""
    rows = queries.series_rows(connection, _SERIES, query.selection, run_id=query.start.run_id)
    in_order = itemgetter(2, 4) if query.by_attempt else itemgetter(4, 2)
    for (run_id, run), of_run in groupby(rows, key=lambda row: row[0][:2]):
        found = list(of_run)
        limits = last_visible_steps(
            {Attempt(number=names[2], resumed_from_step=names[3]) for names, _ in found}
            if not query.all_attempts
            else ()
        )
        with_key = [row for row in found if row[0][4]]
        for names, figures in sorted(with_key, key=lambda row: in_order(row[0])):
            _, _, number, _, key, series_id = names
            last_step = limits.get(number, EVERYTHING)
            if last_step != NOTHING:
                points, kinds = queries.points_and_kinds(figures)
                name = SeriesName(run_id=run_id, run=run, attempt=number, key=key)
                yield StoredSeries(
                    ref=SeriesRef(series_id, kinds), name=name, points=points, last_step=last_step
                )


def attempts(connection: Connection, selection: Selection) -> AbstractSet[AttemptName]:
    """Return the attempts of `selection` with stored rows."""
    rows = connection.execute(_ATTEMPTS.format(**clauses(selection)), parameters(selection))
    return {AttemptName(sweep=sweep, run=run, attempt=number) for sweep, run, number in rows}


def growth(
    connection: Connection,
    names: AbstractSet[AttemptName],
    rows: Mapping[AttemptName, int],
    keys: AbstractSet[str],
) -> Growth:
    """Return the points of the attempts `names` beyond `rows`; attempts not fully read are `unread`."""
    unread = set(names)
    reached: dict[AttemptName, int] = {}
    series: list[bytes] = []
    damages = Damages()
    room = READ_BYTES
    for name in sorted(names, key=lambda each: (each.run, each.attempt)):
        if room < 0:
            break
        row = connection.execute(_CURSOR, (name.run, name.attempt)).first()
        if row is None:
            unread.discard(name)
            continue
        attempt_id, cursor = row
        rows_of_attempt = queries.series_rows(
            connection, _SERIES_OF_ATTEMPT, Selection(keys=keys), attempt_id=attempt_id
        )
        wanted = [
            (key, SeriesRef(series_id, queries.points_and_kinds(figures)[1]))
            for (_, key, series_id), figures in rows_of_attempt
        ]
        grown, reached[name] = _grown(connection, name, wanted, rows.get(name, 0), cursor, damages)
        for key, parts in grown.items():
            series.append(encoding.series(name.run, name.attempt, key, [part.body for part in parts]))
            room -= len(series[-1])
        if reached[name] == cursor:
            unread.discard(name)
    return Growth(series=series, rows=reached, unread=unread, damaged=damages.all)


def _grown(
    connection: Connection,
    name: AttemptName,
    wanted: Sequence[tuple[str, SeriesRef]],
    seen: int,
    cursor: int,
    damages: Damages,
) -> tuple[dict[str, list[Part]], int]:
    """Return a bounded number of parts after row `seen`, by key, and the last row read for every key."""
    if not wanted:
        return {}, cursor
    share = READ_BYTES // len(wanted)
    last = cursor
    if len(wanted) > _MAX_KEYS_IN_WHOLE_CHUNKS:
        # Whole chunks of so many keys are too large, and cutting is expensive, so few rows are read.
        last = min(cursor, seen + max(1, share // _POINT_BYTES))
    grown: dict[str, list[Part]] = {}
    for key, ref in wanted:
        parts: list[Part] = []
        size = 0
        on_damage = damages.of(SeriesName(run_id=0, run=name.run, attempt=name.attempt, key=key))
        for part in parts_between(connection, ref, on_damage, first_row=seen + 1, last_row=last):
            if size > share:
                last = min(last, part.first_row - 1)
                break
            parts.append(part)
            size += len(part.body)
        grown[key] = parts
    cut = {key: [half for part in parts for half in part.up_to(last)] for key, parts in grown.items()}
    return {key: parts for key, parts in cut.items() if parts}, last


# Attempts without a selected series are included, since they may replace points of other attempts.
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
_ATTEMPTS = """
    select w.name, r.name, a.number from run r
    join sweep w on w.id = r.sweep_id
    join attempt a on a.run_id = r.id where a.point_row > 0 and {runs}"""
_CURSOR = """
    select a.id, a.point_row from run r join attempt a on a.run_id = r.id where r.name = ? and a.number = ?"""
_SERIES_OF_ATTEMPT = """
    select s.attempt_id, k.name, {figures} from series s join metric_key k on k.id = s.key_id
    where s.attempt_id = :attempt_id and {keys} order by k.name"""
