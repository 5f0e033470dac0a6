"""Opens each kind of store that the metric service has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.metric_store.batches import Store
from sweepd_kernel.clock import SystemClock
from sweepd_metric_store.store.reads import SqliteReads
from sweepd_metric_store.store.writes import SqliteWrites


@pytest.fixture(params=["sqlite"])
def store(tmp_path: Path) -> Iterator[Store]:
    clock, reads = SystemClock(), SqliteReads(tmp_path)
    opened = [SqliteWrites(tmp_path, clock)]
    opened[0].open()

    def reopened() -> SqliteWrites:
        opened.append(SqliteWrites(tmp_path, clock))
        return opened[-1]

    yield Store(writes=opened[0], reads=reads, reopened=reopened)
    for writes in opened:
        writes.close()
    reads.close()
