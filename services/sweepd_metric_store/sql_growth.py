"""Reads what attempts have grown by since a watcher last looked."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from sweepd_metric_store import wire
from sweepd_metric_store.ports import AttemptName, Growth, Selection
from sweepd_metric_store.sql_history import parts_between
from sweepd_metric_store.sql_selection import KEYS, parameters, runs_clause

_PARTS_PER_SERIES = 4
FAIR_BYTES = 512 * 1024
"""Reading stops after about this much, so that one watcher of much does not hold what others wait for."""


def attempts(connection: sqlite3.Connection, selection: Selection) -> AbstractSet[AttemptName]:
    """Return the attempts of `selection` that have delivered rows."""
    rows = connection.execute(_ATTEMPTS.format(runs=runs_clause(selection)), parameters(selection))
    return {AttemptName(sweep=sweep, run=run, attempt=number) for sweep, run, number in rows}


def growth(
    connection: sqlite3.Connection,
    names: AbstractSet[AttemptName],
    rows: Mapping[AttemptName, int],
    keys: AbstractSet[str],
) -> Growth:
    """Return what the attempts `names` have beyond `rows`; those that there was no room for are `unread`."""
    unread = set(names)
    reached: dict[AttemptName, int] = {}
    series: list[bytes] = []
    room = FAIR_BYTES
    for name in sorted(names, key=lambda each: (each.run, each.attempt)):
        if room < 0:
            break
        row = connection.execute(_CURSOR, (name.run, name.attempt)).fetchone()
        if row is None:
            unread.discard(name)
            continue
        first, last = rows.get(name, 0) + 1, _fair_last_row(connection, row[0], rows.get(name, 0), row[1])
        for found in _grown(connection, name, row[0], (first, last), keys):
            room -= len(found)
            series.append(found)
        reached[name] = last
        if last == row[1]:
            unread.discard(name)
    return Growth(series=series, rows=reached, unread=unread)


def _fair_last_row(connection: sqlite3.Connection, attempt_id: int, seen: int, cursor: int) -> int:
    """Return the row up to which reading gives about `FAIR_BYTES`, if rows are alike; at least one more."""
    (size,) = connection.execute(_SIZE, (attempt_id, seen)).fetchone()
    if size <= FAIR_BYTES:
        return cursor
    return min(cursor, seen + max(1, (cursor - seen) * FAIR_BYTES // int(size)))


def _grown(
    connection: sqlite3.Connection,
    name: AttemptName,
    attempt_id: int,
    rows: tuple[int, int],
    keys: AbstractSet[str],
) -> list[bytes]:
    asked = parameters(Selection(keys=keys)) | {"attempt_id": attempt_id}
    grown: list[bytes] = []
    for series_id, key in connection.execute(_SERIES.format(keys=KEYS), asked).fetchall():
        parts = list(parts_between(connection, series_id, first_row=rows[0], last_row=rows[1]))
        for start in range(0, len(parts), _PARTS_PER_SERIES):
            bodies = [part.body for part in parts[start : start + _PARTS_PER_SERIES]]
            grown.append(wire.series(name.run, name.attempt, key, bodies))
    return grown


_ATTEMPTS = """
    select w.name, r.name, a.number from run r
    join sweep w on w.id = r.sweep_id
    join attempt a on a.run_id = r.id where a.point_row > 0 and {runs}"""
_CURSOR = """
    select a.id, a.point_row from run r join attempt a on a.run_id = r.id where r.name = ? and a.number = ?"""
_SIZE = """
    select coalesce(sum(length(c.body)), 0) from series s join chunk c on c.series_id = s.id
    where s.attempt_id = ? and c.last_row > ?"""
_SERIES = """
    select s.id, k.name from series s join metric_key k on k.id = s.key_id
    where s.attempt_id = :attempt_id and {keys} order by k.name"""
