"""Reads what attempts have grown by since a watcher last looked."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from sweepd_kernel.database import damage_of
from sweepd_metric_store import sql_series, wire
from sweepd_metric_store.history_page import Part, SeriesName
from sweepd_metric_store.ports import AttemptName, Growth, Selection
from sweepd_metric_store.sql_history import Damages, Held, parts_between
from sweepd_metric_store.sql_selection import KEYS, parameters, runs_clause

FAIR_BYTES = 64 * 1024
"""Reading stops after about this much: a watcher that stalls holds no more, and others get their turn."""
_WHOLE_CHUNKS = 8
"""Up to this many keys are read by whole chunks, which go out as they are stored."""
_POINT_BYTES = 24
"""About what a number takes in a chunk; texts take more, which shows as they are read."""


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
    damages = Damages()
    room = FAIR_BYTES
    for name in sorted(names, key=lambda each: (each.run, each.attempt)):
        if room < 0:
            break
        row = connection.execute(_CURSOR, (name.run, name.attempt)).fetchone()
        if row is None:
            unread.discard(name)
            continue
        attempt_id, cursor = row
        asked = parameters(Selection(keys=keys)) | {"attempt_id": attempt_id}
        wanted = _wanted(connection, asked)
        grown, reached[name] = _grown(connection, name, wanted, rows.get(name, 0), cursor, damages)
        for key, parts in grown.items():
            series.append(wire.series(name.run, name.attempt, key, [part.body for part in parts]))
            room -= len(series[-1])
        if reached[name] == cursor:
            unread.discard(name)
    return Growth(series=series, rows=reached, unread=unread, damaged=damages.all)


def _wanted(
    connection: sqlite3.Connection, asked: dict[str, str | int | None]
) -> Sequence[tuple[int, int, str]]:
    """Return id, kinds and key of each series of an attempt."""
    try:
        rows = connection.execute(_SERIES.format(figures=sql_series.FIGURES, keys=KEYS), asked).fetchall()
        return [(row[1], sql_series.points_and_kinds(row[1:])[1], row[0]) for row in rows]
    except sqlite3.Error as error:
        if not damage_of(error):
            raise
    rows = connection.execute(_SERIES.format(figures="s.id", keys=KEYS), asked).fetchall()
    return [(series_id, sql_series.UNKNOWN[1], key) for key, series_id in rows]


def _grown(
    connection: sqlite3.Connection,
    name: AttemptName,
    wanted: Sequence[tuple[int, int, str]],
    seen: int,
    cursor: int,
    damages: Damages,
) -> tuple[dict[str, list[Part]], int]:
    """Return parts by key beyond row `seen`, as much as is fair, and the row that all keys are read up to."""
    if not wanted:
        return {}, cursor
    share = FAIR_BYTES // len(wanted)
    last = cursor
    if len(wanted) > _WHOLE_CHUNKS:
        # Chunks of so many keys would be too much, and cutting them costs, so as little as possible is read.
        last = min(cursor, seen + max(1, share // _POINT_BYTES))
    grown: dict[str, list[Part]] = {}
    for series_id, kinds, key in wanted:
        parts: list[Part] = []
        size = 0
        on_damage = damages.of(SeriesName(run_id=0, run=name.run, attempt=name.attempt, key=key))
        held = Held(series_id, kinds)
        for part in parts_between(connection, held, on_damage, first_row=seen + 1, last_row=last):
            if size > share:
                last = min(last, part.first_row - 1)
                break
            parts.append(part)
            size += len(part.body)
        grown[key] = parts
    cut = {key: [half for part in parts for half in part.up_to(last)] for key, parts in grown.items()}
    return {key: parts for key, parts in cut.items() if parts}, last


_ATTEMPTS = """
    select w.name, r.name, a.number from run r
    join sweep w on w.id = r.sweep_id
    join attempt a on a.run_id = r.id where a.point_row > 0 and {runs}"""
_CURSOR = """
    select a.id, a.point_row from run r join attempt a on a.run_id = r.id where r.name = ? and a.number = ?"""
_SERIES = """
    select k.name, {figures} from series s join metric_key k on k.id = s.key_id
    where s.attempt_id = :attempt_id and {keys} order by k.name"""
