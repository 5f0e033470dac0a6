"""Databases of builds before the first release: refused with the remedy, and left unchanged."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sweepd_kernel.clock import SystemClock
from sweepd_kernel.errors import StartError
from sweepd_kernel.sql.sqlite import SqliteEngine
from sweepd_metric_store.pairing import DATABASE
from sweepd_metric_store.store.writes import SqlWrites

DATABASES = Path(__file__).parent / "databases"


def test_a_database_of_an_older_build_is_refused_and_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((DATABASES / "0002.sql").read_text())
        before = list(connection.iterdump())
    writes = SqlWrites(SqliteEngine(path, "metric-store"), SystemClock())
    with pytest.raises(StartError, match=r"metrics\.sqlite was written by a build from before the first"):
        writes.open()
    with closing(sqlite3.connect(path)) as connection:
        assert list(connection.iterdump()) == before
    assert [each.name for each in tmp_path.glob("*before*")] == []
