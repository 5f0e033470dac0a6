"""Fixtures: the store of the metric service on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from conformance.metric_store.batches import Store
from postgresql import PostgresServer
from sweepd_kernel.clock import SystemClock
from sweepd_kernel.sql.database import Engine
from sweepd_kernel.sql.postgresql import PostgresqlEngine
from sweepd_kernel.sql.schema import ensure_schema
from sweepd_kernel.sql.sqlite import SqliteEngine
from sweepd_metric_store.pairing import DATABASE
from sweepd_metric_store.store.reads import SqlReads
from sweepd_metric_store.store.tables_sql import SCHEMA
from sweepd_metric_store.store.writes import SqlWrites


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("PostgreSQL"))])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        yield SqliteEngine(tmp_path / DATABASE, "metric-store")
        return
    server: PostgresServer = request.getfixturevalue("postgresql")

    def fill(address: str) -> None:
        ensure_schema(PostgresqlEngine(address, "metric-store"), SCHEMA)

    with server.database("metric-store", fill) as address:
        yield PostgresqlEngine(address, "metric-store")


@pytest.fixture
def store(engine: Engine) -> Iterator[Store]:
    clock, reads = SystemClock(), SqlReads(engine)
    with ExitStack() as opened:
        opened.callback(reads.close)

        def reopened() -> SqlWrites:
            writes = SqlWrites(engine, clock)
            opened.callback(writes.close)
            return writes

        writes = reopened()
        writes.open()
        yield Store(engine=engine, writes=writes, reads=reads, reopened=reopened)
