"""Chunks of series: writing, joining as planned by `packing`, and reading without damaged chunks."""

import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import groupby

from sweepd_kernel.errors import DamagedError
from sweepd_kernel.sql.database import Connection, Row, Value
from sweepd_metric_store import encoding
from sweepd_metric_store.domain.batch import Chunk, Spine, Stretch
from sweepd_metric_store.domain.checksum import checksum, is_intact
from sweepd_metric_store.domain.packing import Tail, plan, tail_after
from sweepd_metric_store.domain.summary import extended
from sweepd_metric_store.domain.view import EVERYTHING
from sweepd_metric_store.store.ledger import Ledger, SeriesState
from sweepd_metric_store.store.queries import OnDamage, number
from sweepd_metric_store.store.tables_sql import CHUNK, SERIES, chunk_of, chunk_values, series_values

_SERIES_PER_ROUND = 200


class _DamagedTailError(Exception):
    """A chunk of a tail is damaged."""


@dataclass(slots=True)
class _Statements:
    """Row changes of one transaction, collected so that each statement runs once for many rows."""

    connection: Connection
    removed: list[tuple[int, int]] = field(default_factory=list)
    inserted: list[tuple[Value, ...]] = field(default_factory=list)
    series: list[tuple[Value, ...]] = field(default_factory=list)
    spines: dict[int, tuple[Spine, bytes]] = field(default_factory=dict)

    def encoded(self, stretch: Stretch) -> Chunk:
        """Encode a stretch; keys that were logged together share the encoded spine."""
        spine = stretch.spine
        known = self.spines.get(id(spine))
        if known is None:
            # Keep the spine beside its bytes: the id of a deleted object may be reused.
            known = self.spines[id(spine)] = (spine, encoding.spine_bytes(spine))
        return Chunk(
            first_row=spine.rows[0],
            last_row=spine.rows[-1],
            points=len(stretch),
            min_step=min(spine.steps),
            max_step=max(spine.steps),
            kind=stretch.kind,
            body=known[1] + encoding.values_bytes(stretch),
        )

    def insert(self, series_id: int, rows: Sequence[Chunk]) -> None:
        """Add chunks to the rows to insert."""
        self.inserted += [chunk_row(series_id, each) for each in rows]

    def take_tail(self, series_id: int, first_row: int) -> list[Chunk]:
        """Return the chunks of the open tail of a series, to be joined, and schedule their removal.

        A damaged tail stays, and nothing is returned: joining it would lose data, or damage intact points.
        """
        try:
            found = list(read_chunks(self.connection, series_id, _refuse_damage, first_row=first_row))
        except _DamagedTailError:
            return []
        self.removed.append((series_id, first_row))
        return found

    def run(self) -> None:
        """Execute the statements, removals first, since a joined chunk begins at the row of a removed one."""
        self.connection.execute_many("delete from chunk where series_id = ? and first_row >= ?", self.removed)
        self.connection.execute_many(SERIES.upsert, self.series)
        self.connection.execute_many(CHUNK.insert, self.inserted)


def write(connection: Connection, ledger: Ledger) -> None:
    """Write the staged stretches and the summaries of their series."""
    statements = _Statements(connection)
    for attempt in ledger.touched:
        for series in attempt.series.values():
            if series.arrived:
                _write_series(series, statements)
                statements.series.append(_series_row(series))
                series.arrived.clear()
    statements.run()


def compact(connection: Connection, busy: AbstractSet[int]) -> AbstractSet[int]:
    """Join the tail chunks of some series whose attempts are not `busy`; return the ids of these attempts."""
    loose = connection.execute(_LOOSE, (json.dumps(sorted(busy)), _SERIES_PER_ROUND)).all()
    statements = _Statements(connection)
    for series_id, _, first_row in loose:
        if tail := statements.take_tail(series_id, first_row):
            statements.insert(series_id, _joined(tail))
    statements.run()
    # A tail of several types, or a damaged one, stays in pieces. Count it as one, to exclude it from now on.
    connection.execute_many("update series set tail_pieces = 1 where id = ?", [(each[0],) for each in loose])
    return {int(each[1]) for each in loose}


def _write_series(series: SeriesState, statements: _Statements) -> None:
    for stretch in series.arrived:
        series.summary = extended(series.summary, stretch)
        series.kinds |= 1 << stretch.kind
    for group in plan(series.tail, [len(stretch) for stretch in series.arrived]):
        parts = [statements.encoded(stretch) for stretch in series.arrived[group.start : group.stop]]
        if group.takes_tail:
            parts = statements.take_tail(series.id, series.tail.first_row) + parts
        joined = _joined(parts)
        statements.insert(series.id, joined)
        points = sum(chunk.points for chunk in joined)
        stored = Tail(first_row=joined[0].first_row, points=points, pieces=len(joined))
        series.tail = tail_after(series.tail, group, stored)


def _series_row(series: SeriesState) -> tuple[Value, ...]:
    known, tail = series.summary, series.tail
    assert known is not None
    numbers = (series.id, series.attempt_id, series.key_id, known.count, known.number_count, series.kinds)
    if series.damaged is not None:
        summary, stored = series.damaged
    else:
        summary = encoding.summary_bytes(known)
        stored = checksum((*numbers, summary))
    return series_values(
        id=series.id,
        attempt_id=series.attempt_id,
        key_id=series.key_id,
        points=known.count,
        numbers=known.number_count,
        kinds=series.kinds,
        summary=summary,
        checksum=stored,
        tail_first_row=tail.first_row,
        tail_points=tail.points,
        tail_pieces=tail.pieces,
    )


def _joined(parts: Sequence[Chunk]) -> list[Chunk]:
    """Join consecutive chunks into one chunk per type of value."""
    if len(parts) == 1:
        return list(parts)
    by_kind = sorted(parts, key=lambda part: (part.kind, part.first_row))
    joined = [_merged(list(same)) for _, same in groupby(by_kind, key=lambda part: part.kind)]
    return sorted(joined, key=lambda part: part.first_row)


def _merged(parts: Sequence[Chunk]) -> Chunk:
    if len(parts) == 1:
        return parts[0]
    return Chunk(
        first_row=parts[0].first_row,
        last_row=parts[-1].last_row,
        points=sum(part.points for part in parts),
        min_step=min(part.min_step for part in parts),
        max_step=max(part.max_step for part in parts),
        kind=parts[0].kind,
        body=encoding.joined_chunks([part.body for part in parts]),
    )


def _refuse_damage() -> None:
    raise _DamagedTailError


def chunk_row(series_id: int, chunk: Chunk) -> tuple[Value, ...]:
    """Return the values of a new chunk row."""
    row = chunk_values(chunk, series_id=series_id, checksum=0)[:-1]
    return (*row, checksum(row))


def read_chunks(
    connection: Connection,
    series_id: int,
    on_damage: OnDamage,
    *,
    first_row: int,
    last_row: int = EVERYTHING,
    mixed: bool = True,
    expected: int = 0,
) -> Iterator[Chunk]:
    """Yield the chunks of a series that overlap these rows, in order of first row.

    Args:
        connection: a connection in a transaction.
        series_id: id of the series.
        on_damage: called for each damaged chunk, and at the end if points are missing.
        first_row: first row wanted.
        last_row: last row wanted.
        mixed: whether values have several types, so that chunks may overlap.
        expected: number of points of the whole series; 0: unknown.
    """
    found = 0
    for row in _overlapping_rows(connection, series_id, first_row, last_row, mixed=mixed):
        if row is None or not is_intact(row[:-1], row[-1]):
            on_damage()
        else:
            chunk = chunk_of(row)
            found += chunk.points
            yield chunk
    if expected and (found if first_row == 0 else _counted(connection, series_id)) != expected:
        on_damage()


def _counted(connection: Connection, series_id: int) -> int:
    """Return the number of points found through the index, which lacks rows if damaged; 0 if unreadable."""
    try:
        return number(connection, _POINTS, (series_id,))
    except DamagedError:
        return 0


def _overlapping_rows(
    connection: Connection, series_id: int, first_row: int, last_row: int, *, mixed: bool
) -> Iterator[Row | None]:
    """Yield the database row of each chunk that overlaps these rows of points; None for an unreadable one."""
    reached = -1
    values = {"series_id": series_id, "first_row": first_row, "last_row": last_row}
    try:
        for row in connection.execute(_OVERLAPPING if mixed else _ADJACENT, values):
            reached = row[_FIRST_ROW]
            yield row
    except DamagedError:
        pass
    else:
        return
    # A database page is unreadable; the index lists all rows, most of which are in other pages.
    for (begin,) in connection.execute(_STARTS, (series_id, reached, last_row)).all():
        try:
            found = connection.execute(_CHUNK_BY_START, (series_id, begin)).first()
        except DamagedError:
            found = None
        if found is None or found[_LAST_ROW] >= first_row:
            yield found


_LOOSE = """
    select id, attempt_id, tail_first_row from series
    where tail_pieces > 1 and attempt_id not in (select cast(value as bigint) from json_each(?)) limit ?"""
_FIRST_ROW, _LAST_ROW = CHUNK.columns.index("first_row"), CHUNK.columns.index("last_row")
_OVERLAPPING = f"""
    select {CHUNK} from chunk
    where series_id = :series_id and last_row >= :first_row and first_row <= :last_row order by first_row"""
# Chunks of one type do not overlap, so an index seek finds the first one.
_ADJACENT = f"""
    select {CHUNK} from chunk
    where series_id = :series_id and last_row >= :first_row and first_row <= :last_row
        and first_row >= coalesce(
            (select max(first_row) from chunk where series_id = :series_id and first_row <= :first_row), 0)
    order by first_row"""
_POINTS = "select coalesce(sum(points), 0) from chunk where series_id = ?"
# Reads the index only.
_STARTS = (
    "select first_row from chunk where series_id = ? and first_row > ? and first_row <= ? order by first_row"
)
_CHUNK_BY_START = f"select {CHUNK} from chunk where series_id = ? and first_row = ?"
