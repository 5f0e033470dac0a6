"""Reads pages of summaries; no history is touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import TypeAlias

from sweepd_kernel.database import damage_of
from sweepd_metric_store import sql_series, wire
from sweepd_metric_store.domain.checksum import Damage
from sweepd_metric_store.ports import SYSTEM, Position, Selection, SummaryPage
from sweepd_metric_store.sql_history import Damages
from sweepd_metric_store.sql_selection import KEYS, parameters, runs_clause

_BUDGET = 3 * 1024 * 1024
_Row: TypeAlias = tuple[int, str, int, str, bytes | None]
"""Id and name of a run, attempt, key, and the summary; None where that is damaged."""


def page(
    connection: sqlite3.Connection, selection: Selection, start: Position, page_size: int, damages: Damages
) -> SummaryPage:
    """Return at most `page_size` summaries from `start` on, ordered by run and key."""
    items: list[bytes] = []
    room = _BUDGET
    for run_id, run, attempt, key, summary in _newest(connection, selection, start.run_id):
        if (run_id, key) < (start.run_id, start.key):
            continue
        if summary is None:
            named = run.removesuffix(SYSTEM)
            damages.add(Damage(run=named, attempt=attempt, what="summary", name=key))
            continue
        item = wire.key_summary(run, key, summary)
        room -= len(item) + wire.FRAME
        if len(items) == page_size or (items and room < 0):
            return SummaryPage(summaries=items, rest=Position(run_id=run_id, key=key), damaged=damages.all)
        items.append(item)
    return SummaryPage(summaries=items, rest=None, damaged=damages.all)


def _newest(connection: sqlite3.Connection, selection: Selection, run_id: int) -> Iterator[_Row]:
    """Yield run id, run, attempt, key and summary, of the newest attempt that logged the key.

    The summary is None where it is damaged.
    """
    rows = _rows(connection, selection, run_id)
    for _, of_run in groupby(rows, key=lambda row: (row[0], row[1])):
        newest = {row[3]: row for row in sorted(of_run, key=lambda row: row[2])}
        for key in sorted(newest):
            yield newest[key]


def _rows(connection: sqlite3.Connection, selection: Selection, run_id: int) -> Iterator[_Row]:
    """Yield what `_SUMMARIES` finds; where a page is unreadable, the rows of the others one by one."""
    clauses = {"runs": runs_clause(selection), "keys": KEYS}
    asked = parameters(selection, run_id=run_id)
    yielded = set[tuple[int, str]]()
    try:
        for row in connection.execute(_SUMMARIES.format(figures=sql_series.FIGURES, **clauses), asked):
            if row[0] != run_id:
                run_id, yielded = row[0], set()
            yielded.add((row[2], row[3]))
            yield (*row[:4], sql_series.summary(row[4:]))
    except sqlite3.Error as error:
        if not damage_of(error):
            raise
    else:
        return
    # The index alone names the series of all attempts.
    names = connection.execute(_SUMMARIES.format(figures="s.id", **clauses), asked | {"run_id": run_id})
    for found, run, attempt, key, series_id in names.fetchall():
        if found == run_id and (attempt, key) in yielded:
            continue
        try:
            figures = connection.execute(sql_series.ONE, (series_id,)).fetchone()
        except sqlite3.Error as error:
            if not damage_of(error):
                raise
            figures = None
        yield (found, run, attempt, key, sql_series.summary(figures) if figures else None)


# The order of the joins is given, as it is also the order of the rows: nothing is sorted.
_SUMMARIES = """
    select r.id, r.name, a.number, k.name, {figures} from run r
    cross join attempt a on a.run_id = r.id
    cross join series s on s.attempt_id = a.id
    cross join metric_key k on k.id = s.key_id
    where {runs} and {keys} order by r.id"""
