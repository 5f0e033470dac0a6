"""Opens each kind of store that the metric service has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.metric_store.batches import Store
from sweepd_kernel.clock import SystemClock
from sweepd_metric_store.sql import SqliteWrites
from sweepd_metric_store.sql_reads import SqliteReads


@pytest.fixture(params=["sqlite"])
def store(tmp_path: Path) -> Iterator[Store]:
    clock = SystemClock()
    writes, reads = SqliteWrites(tmp_path, clock), SqliteReads(tmp_path)
    writes.open()
    yield Store(writes=writes, reads=reads, reopened=lambda: SqliteWrites(tmp_path, clock))
    writes.close()
    reads.close()
