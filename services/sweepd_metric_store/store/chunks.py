"""Chunk rows, each with its checksum: written, and read around those that are damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sweepd_kernel.database import damage_of
from sweepd_metric_store.domain.batch import Kind
from sweepd_metric_store.domain.checksum import checksum, intact
from sweepd_metric_store.domain.view import EVERYTHING

OnDamage: TypeAlias = Callable[[], None]
"""Called for each damaged row; raises to end the reading."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk row without the id of its series."""

    first_row: int
    last_row: int
    points: int
    min_step: int
    max_step: int
    kind: Kind
    body: bytes


def values(series_id: int, chunk: Chunk) -> tuple[int | bytes, ...]:
    """Return the parameters of `INSERT`."""
    numbers = (
        series_id,
        chunk.first_row,
        chunk.last_row,
        chunk.points,
        chunk.min_step,
        chunk.max_step,
        chunk.kind.value,
    )
    return (*numbers, chunk.body, checksum(chunk.body, *numbers))


def read(
    connection: sqlite3.Connection,
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


def _counted(connection: sqlite3.Connection, series_id: int) -> int:
    """Return the number of points that the index of a series leads to; a damaged index loses rows."""
    try:
        (found,) = connection.execute(_POINTS, (series_id,)).fetchone()
    except sqlite3.Error as error:
        if not damage_of(error):
            raise
        return 0
    return int(found)


def _found(
    connection: sqlite3.Connection,
    series_id: int,
    on_damage: OnDamage,
    first_row: int,
    last_row: int,
    *,
    mixed: bool,
) -> Iterator[Chunk]:
    reached = -1
    try:
        for row in connection.execute(_CHUNKS, (series_id, first_row, last_row, mixed)):
            reached = row[0]
            chunk = _checked(series_id, row, on_damage)
            if chunk is not None:
                yield chunk
    except sqlite3.Error as error:
        if not damage_of(error):
            raise
    else:
        return
    # A page is unreadable; the index lists all rows, most of which lie in other pages.
    for (chunk_id,) in connection.execute(_IDS, (series_id, reached, last_row)).fetchall():
        try:
            row = connection.execute(_ONE, (chunk_id,)).fetchone()
        except sqlite3.Error as error:
            if not damage_of(error):
                raise
            row = None
        if row is None:
            on_damage()
        elif row[1] >= first_row:
            chunk = _checked(series_id, row, on_damage)
            if chunk is not None:
                yield chunk


def _checked(
    series_id: int, row: tuple[int, int, int, int, int, int, bytes, int], on_damage: OnDamage
) -> Chunk | None:
    *numbers, body, stored = row
    if not intact(stored, body, series_id, *numbers):
        on_damage()
        return None
    first, last, points, least, greatest, kind = numbers
    return Chunk(first, last, points, least, greatest, Kind(kind), body)


INSERT = """
    insert into chunk (series_id, first_row, last_row, points, min_step, max_step, kind, body, checksum)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_COLUMNS = "first_row, last_row, points, min_step, max_step, kind, body, checksum"
# Chunks of one type do not overlap, so the first one wanted can be sought.
_CHUNKS = f"""
    select {_COLUMNS} from chunk
    where series_id = ?1 and last_row >= ?2 and first_row <= ?3 and first_row >= case when ?4 then 0 else
        coalesce((select max(first_row) from chunk where series_id = ?1 and first_row <= ?2), 0) end
    order by first_row"""
_POINTS = "select coalesce(sum(points), 0) from chunk where series_id = ?"
# Read from the index alone.
_IDS = "select id from chunk where series_id = ? and first_row > ? and first_row <= ? order by first_row"
_ONE = f"select {_COLUMNS} from chunk where id = ?"
