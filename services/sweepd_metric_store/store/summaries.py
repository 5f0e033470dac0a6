"""Pages of summaries, read without any history."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TypeAlias

from sweepd_kernel.errors import DamagedError
from sweepd_kernel.sql.engine import Connection
from sweepd_metric_store import encoding
from sweepd_metric_store.domain.checksum import Damage
from sweepd_metric_store.ports import SYSTEM, Position, Selection, SummaryPage
from sweepd_metric_store.store import queries
from sweepd_metric_store.store.queries import KEYS, Damages, parameters, runs_clause

_BUDGET = 3 * 1024 * 1024
_Row: TypeAlias = tuple[int, str, int, str, bytes | None]
"""Id and name of a run, attempt, key, and summary; None for a damaged summary."""


def page(
    connection: Connection, selection: Selection, start: Position, page_size: int, damages: Damages
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
        item = encoding.key_summary(run, key, summary)
        room -= len(item) + encoding.FRAME
        if len(items) == page_size or (items and room < 0):
            return SummaryPage(summaries=items, rest=Position(run_id=run_id, key=key), damaged=damages.all)
        items.append(item)
    return SummaryPage(summaries=items, rest=None, damaged=damages.all)


def _newest(connection: Connection, selection: Selection, run_id: int) -> Iterator[_Row]:
    """Yield the row of each key, of the newest attempt that logged it."""
    rows = _rows(connection, selection, run_id)
    for _, of_run in groupby(rows, key=lambda row: (row[0], row[1])):
        newest = {row[3]: row for row in sorted(of_run, key=lambda row: row[2])}
        for key in sorted(newest):
            yield newest[key]


def _rows(connection: Connection, selection: Selection, run_id: int) -> Iterator[_Row]:
    """Yield the rows of `_SUMMARIES`; where a page is unreadable, the other rows one by one."""
    clauses = {"runs": runs_clause(selection), "keys": KEYS}
    asked = parameters(selection, run_id=run_id)
    yielded = set[tuple[int, str]]()
    try:
        for row in connection.execute(_SUMMARIES.format(figures=queries.FIGURES, **clauses), asked):
            if row[0] != run_id:
                run_id, yielded = row[0], set()
            yielded.add((row[2], row[3]))
            yield (*row[:4], queries.summary(row[4:]))
    except DamagedError:
        pass
    else:
        return
    # The index alone lists the series of all attempts.
    names = connection.execute(_SUMMARIES.format(figures="s.id", **clauses), asked | {"run_id": run_id})
    for found, run, attempt, key, series_id in names.all():
        if found == run_id and (attempt, key) in yielded:
            continue
        try:
            figures = connection.execute(queries.ONE, (series_id,)).first()
        except DamagedError:
            figures = None
        yield (found, run, attempt, key, queries.summary(figures) if figures else None)


# The joins are in the order of the rows, so nothing is sorted.
_SUMMARIES = """
    select r.id, r.name, a.number, k.name, {figures} from run r
    cross join attempt a on a.run_id = r.id
    cross join series s on s.attempt_id = a.id
    cross join metric_key k on k.id = s.key_id
    where {runs} and {keys} order by r.id"""
