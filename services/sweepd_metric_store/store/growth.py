"""Growth of attempts since a watcher last read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from sweepd_kernel.errors import DamagedError
from sweepd_kernel.sql.database import Connection
from sweepd_metric_store import encoding
from sweepd_metric_store.ports import AttemptName, Growth, Selection
from sweepd_metric_store.store import queries
from sweepd_metric_store.store.history import SeriesRef, parts_between
from sweepd_metric_store.store.queries import KEYS, Damages, Part, SeriesName, parameters, runs_clause

FAIR_BYTES = 64 * 1024
"""A read stops after about this much, so that a stalled watcher holds no more and others get their turn."""
_WHOLE_CHUNKS = 8
"""Up to this many keys are read as whole chunks, which are sent as they are stored."""
_POINT_BYTES = 24
"""Approximate size of a number in a chunk; longer texts are noticed as they are read."""


def attempts(connection: Connection, selection: Selection) -> AbstractSet[AttemptName]:
    """Return the attempts of `selection` that have delivered rows."""
    rows = connection.execute(_ATTEMPTS.format(runs=runs_clause(selection)), parameters(selection))
    return {AttemptName(sweep=sweep, run=run, attempt=number) for sweep, run, number in rows}


def growth(
    connection: Connection,
    names: AbstractSet[AttemptName],
    rows: Mapping[AttemptName, int],
    keys: AbstractSet[str],
) -> Growth:
    """Return the points of the attempts `names` beyond `rows`; attempts without room are `unread`."""
    unread = set(names)
    reached: dict[AttemptName, int] = {}
    series: list[bytes] = []
    damages = Damages()
    room = FAIR_BYTES
    for name in sorted(names, key=lambda each: (each.run, each.attempt)):
        if room < 0:
            break
        row = connection.execute(_CURSOR, (name.run, name.attempt)).first()
        if row is None:
            unread.discard(name)
            continue
        attempt_id, cursor = row
        asked = parameters(Selection(keys=keys)) | {"attempt_id": attempt_id}
        wanted = _wanted(connection, asked)
        grown, reached[name] = _grown(connection, name, wanted, rows.get(name, 0), cursor, damages)
        for key, parts in grown.items():
            series.append(encoding.series(name.run, name.attempt, key, [part.body for part in parts]))
            room -= len(series[-1])
        if reached[name] == cursor:
            unread.discard(name)
    return Growth(series=series, rows=reached, unread=unread, damaged=damages.all)


def _wanted(connection: Connection, asked: dict[str, str | int | None]) -> Sequence[tuple[int, int, str]]:
    """Return id, kinds and key of each series of an attempt."""
    try:
        rows = connection.execute(_SERIES.format(figures=queries.FIGURES, keys=KEYS), asked).all()
        return [(row[1], queries.points_and_kinds(row[1:])[1], row[0]) for row in rows]
    except DamagedError:
        pass
    rows = connection.execute(_SERIES.format(figures="s.id", keys=KEYS), asked).all()
    return [(series_id, queries.UNKNOWN[1], key) for key, series_id in rows]


def _grown(
    connection: Connection,
    name: AttemptName,
    wanted: Sequence[tuple[int, int, str]],
    seen: int,
    cursor: int,
    damages: Damages,
) -> tuple[dict[str, list[Part]], int]:
    """Return parts by key beyond row `seen`, within bounds, and the row up to which all keys are read."""
    if not wanted:
        return {}, cursor
    share = FAIR_BYTES // len(wanted)
    last = cursor
    if len(wanted) > _WHOLE_CHUNKS:
        # Whole chunks of so many keys would be too much, and cutting is expensive, so few rows are read.
        last = min(cursor, seen + max(1, share // _POINT_BYTES))
    grown: dict[str, list[Part]] = {}
    for series_id, kinds, key in wanted:
        parts: list[Part] = []
        size = 0
        on_damage = damages.of(SeriesName(run_id=0, run=name.run, attempt=name.attempt, key=key))
        ref = SeriesRef(series_id, kinds)
        for part in parts_between(connection, ref, on_damage, first_row=seen + 1, last_row=last):
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
