"""Copies that `sweepd pair` makes of a database before it removes data."""

import sqlite3
from argparse import Namespace
from contextlib import closing
from pathlib import Path

from sweepd_kernel.pairing.command import pair
from sweepd_kernel.process.up import load_services
from sweepd_kernel.sql.schema import ensure_schema
from sweepd_kernel.sql.sqlite import SqliteEngine
from sweepd_metric_store.store.tables_sql import SCHEMA

METRICS = Path("metric-store", "metrics.sqlite")
SCHEDULER = Path("scheduler", "scheduler.sqlite")


def add_run(metrics: Path, name: str) -> None:
    """Store an attempt that the scheduler does not have."""
    with closing(sqlite3.connect(metrics)) as connection:
        sweep = connection.execute("insert into sweep (name) values (?)", (f"{name}-sweep",)).lastrowid
        run = connection.execute("insert into run (sweep_id, name) values (?, ?)", (sweep, name)).lastrowid
        connection.execute(
            "insert into attempt (run_id, number, point_row, log_offset, log_tail_offset, log_tail_pieces)"
            " values (?, 1, 0, 0, 0, 0)",
            (run,),
        )
        connection.commit()


def runs_in(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [str(name) for (name,) in connection.execute("select name from run")]


def test_a_second_pairing_keeps_the_copy_of_the_first(tmp_path: Path) -> None:
    metrics = tmp_path / METRICS
    for database in (SCHEDULER, METRICS):
        (tmp_path / database).parent.mkdir()
    ensure_schema(SqliteEngine(metrics, "test"), SCHEMA)
    for name in ("local/p/first-1", "local/p/second-1"):
        add_run(metrics, name)
        assert pair(Namespace(data=tmp_path), load_services()) == 0
    assert runs_in(metrics) == []
    assert runs_in(metrics.with_name("metrics.sqlite.before-pair")) == ["local/p/first-1"]
    assert runs_in(metrics.with_name("metrics.sqlite.before-pair-2")) == ["local/p/second-1"]
