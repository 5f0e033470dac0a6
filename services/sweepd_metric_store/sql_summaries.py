"""Reads pages of summaries; no history is touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby

from sweepd_metric_store import wire
from sweepd_metric_store.ports import Position, Selection, SummaryPage
from sweepd_metric_store.sql_selection import KEYS, parameters, runs_clause

_BUDGET = 3 * 1024 * 1024


def page(
    connection: sqlite3.Connection, selection: Selection, start: Position, page_size: int
) -> SummaryPage:
    """Return at most `page_size` summaries from `start` on, ordered by run and key."""
    items: list[bytes] = []
    room = _BUDGET
    for run_id, run, key, summary in _newest(connection, selection, start.run_id):
        if (run_id, key) < (start.run_id, start.key):
            continue
        item = wire.key_summary(run, key, summary)
        room -= len(item) + wire.FRAME
        if len(items) == page_size or (items and room < 0):
            return SummaryPage(summaries=items, rest=Position(run_id=run_id, key=key))
        items.append(item)
    return SummaryPage(summaries=items, rest=None)


def _newest(
    connection: sqlite3.Connection, selection: Selection, run_id: int
) -> Iterator[tuple[int, str, str, bytes]]:
    """Yield run id, run, key and summary, of the newest attempt that logged the key."""
    rows = connection.execute(
        _SUMMARIES.format(runs=runs_clause(selection), keys=KEYS), parameters(selection, run_id=run_id)
    )
    for (found, run), of_run in groupby(rows, key=lambda row: (row[0], row[1])):
        newest = {key: summary for _, _, _, key, summary in sorted(of_run, key=lambda row: row[2])}
        for key in sorted(newest):
            yield found, run, key, newest[key]


# The order of the joins is given, as it is also the order of the rows: nothing is sorted.
_SUMMARIES = """
    select r.id, r.name, a.number, k.name, s.summary from run r
    cross join attempt a on a.run_id = r.id
    cross join series s on s.attempt_id = a.id
    cross join metric_key k on k.id = s.key_id
    where {runs} and {keys} order by r.id"""
