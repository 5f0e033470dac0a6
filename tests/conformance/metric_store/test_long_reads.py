"""Long reads: they do not delay short ones."""

from __future__ import annotations

import asyncio
import threading

import pytest

from conformance.metric_store.batches import Store, an_attempt, rows
from sweepd_kernel.sql.database import Connection
from sweepd_metric_store.ports import EncodedPage, HistoryQuery, Position, Selection
from sweepd_metric_store.store import history

LONG, SHORT = an_attempt(1), an_attempt(2)
LONG_READS = 12


def thinned(run: str) -> HistoryQuery:
    return HistoryQuery(selection=Selection(runs={run}), start=Position(), budget=1_000_000, max_points=5)


def test_long_histories_do_not_delay_short_reads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LONG_POINTS", 50)
    released = threading.Event()
    page = history.page

    def slow(connection: Connection, query: HistoryQuery) -> EncodedPage:
        if LONG.run in query.selection.runs:
            assert released.wait(10)
        return page(connection, query)

    monkeypatch.setattr(history, "page", slow)
    for name, count in ((LONG, 100), (SHORT, 10)):
        store.writes.commit([rows(name, 1, [{"loss": float(at)} for at in range(count)])])

    async def main() -> None:
        long_reads = [
            asyncio.ensure_future(store.reads.history(thinned(LONG.run))) for _ in range(LONG_READS)
        ]
        async with asyncio.timeout(5):
            assert (await store.reads.history(thinned(SHORT.run))).items
            assert (await store.reads.summaries(Selection(runs={LONG.run}), Position(), 10)).items
            assert (await store.reads.log(LONG.run, 0, 0, 10)).content == b""
        assert not any(each.done() for each in long_reads)
        released.set()
        assert all(found.items for found in await asyncio.gather(*long_reads))

    asyncio.run(main())
