"""Chunk rows, each with its checksum: written, and read around those that are damaged."""

from __future__ import annotations

from collections.abc import Iterator

from sweepd_kernel.errors import DamagedError
from sweepd_kernel.sql.database import Connection, Row, Value
from sweepd_metric_store.domain.batch import Chunk
from sweepd_metric_store.domain.checksum import checksum, is_intact
from sweepd_metric_store.domain.view import EVERYTHING
from sweepd_metric_store.store.queries import OnDamage, number
from sweepd_metric_store.store.tables_sql import CHUNK, chunk_of, chunk_values


def values(series_id: int, chunk: Chunk) -> tuple[Value, ...]:
    """Return the values of a new row."""
    row = chunk_values(chunk, series_id=series_id, checksum=0)[:-1]
    return (*row, checksum(row))


def read(
    connection: Connection,
    series_id: int,
    on_damage: OnDamage,
    *,
    first_row: int,
    last_row: int = EVERYTHING,
    mixed: bool = True,
    expected: int = 0,
) -> Iterator[Chunk]:
    """Yield the chunks of a series that overlap these rows, in the order of their first rows.

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
    for chunk in _found(connection, series_id, on_damage, first_row, last_row, mixed=mixed):
        found += chunk.points
        yield chunk
    if expected and (found if first_row == 0 else _counted(connection, series_id)) != expected:
        on_damage()


def _counted(connection: Connection, series_id: int) -> int:
    """Return the number of points that the index of a series leads to; a damaged index loses rows."""
    try:
        return number(connection, _POINTS, (series_id,))
    except DamagedError:
        return 0


def _found(
    connection: Connection,
    series_id: int,
    on_damage: OnDamage,
    first_row: int,
    last_row: int,
    *,
    mixed: bool,
) -> Iterator[Chunk]:
    reached = -1
    asked = {"series_id": series_id, "first_row": first_row, "last_row": last_row}
    try:
        for row in connection.execute(_OVERLAPPING if mixed else _ADJACENT, asked):
            reached = row[_FIRST_ROW]
            chunk = _checked(row, on_damage)
            if chunk is not None:
                yield chunk
    except DamagedError:
        pass
    else:
        return
    # A page is unreadable; the index lists all rows, most of which lie in other pages.
    for (begin,) in connection.execute(_BEGINS, (series_id, reached, last_row)).all():
        try:
            found = connection.execute(_ONE, (series_id, begin)).first()
        except DamagedError:
            found = None
        if found is None:
            on_damage()
        elif found[_LAST_ROW] >= first_row:
            chunk = _checked(found, on_damage)
            if chunk is not None:
                yield chunk


def _checked(row: Row, on_damage: OnDamage) -> Chunk | None:
    if is_intact(row[:-1], row[-1]):
        return chunk_of(row)
    on_damage()
    return None


_FIRST_ROW, _LAST_ROW = CHUNK.columns.index("first_row"), CHUNK.columns.index("last_row")
_OVERLAPPING = f"""
    select {CHUNK} from chunk
    where series_id = :series_id and last_row >= :first_row and first_row <= :last_row order by first_row"""
# Chunks of one type do not overlap, so the first one wanted can be sought.
_ADJACENT = f"""
    select {CHUNK} from chunk
    where series_id = :series_id and last_row >= :first_row and first_row <= :last_row
        and first_row >= coalesce(
            (select max(first_row) from chunk where series_id = :series_id and first_row <= :first_row), 0)
    order by first_row"""
_POINTS = "select coalesce(sum(points), 0) from chunk where series_id = ?"
# Read from the index alone.
_BEGINS = (
    "select first_row from chunk where series_id = ? and first_row > ? and first_row <= ? order by first_row"
)
_ONE = f"select {CHUNK} from chunk where series_id = ? and first_row = ?"
