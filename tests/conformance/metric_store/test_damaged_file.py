"""Damaged file of SQLite: unreadable pages, and columns with values of another type."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conformance.metric_store.batches import SWEEP, Store, an_attempt, log, rows
from conformance.metric_store.damage import change, stored, zero_page_of
from conformance.metric_store.test_damage import ALL, error_of, page, query, seen
from sweepd import v1
from sweepd_kernel.clock import SystemClock
from sweepd_kernel.sql.database import Value
from sweepd_kernel.sql.sqlite import SqliteEngine
from sweepd_metric_store.pairing import DATABASE
from sweepd_metric_store.ports import Position
from sweepd_metric_store.store.reads import SqlReads
from sweepd_metric_store.store.writes import SqlWrites


@pytest.fixture(params=["sqlite"])
def engine(tmp_path: Path) -> SqliteEngine:
    return SqliteEngine(tmp_path / DATABASE, "metric-store")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / DATABASE


def writer(folder: Path) -> SqlWrites:
    return SqlWrites(SqliteEngine(folder / DATABASE, "metric-store"), SystemClock())


def reader(folder: Path) -> SqlReads:
    return SqlReads(SqliteEngine(folder / DATABASE, "metric-store"))


@pytest.mark.parametrize("value", ["text", 1.5, b"bytes"])
def test_a_value_of_another_type_is_reported_as_damage(store: Store, path: Path, value: Value) -> None:
    store.writes.commit([rows(an_attempt(), 1, [{"a": 0.25}])])
    change(path, "update series set kinds = ?", value)
    error_of(lambda: asyncio.run(store.reads.summaries(ALL, Position(), 10)))
    assert seen(page(store)) == [("a", 1, "0.25")]
    change(path, "update chunk set body = ?", value)
    assert page(store).damaged
    change(path, "update metric_key set name = cast(x'ff' as text)")
    assert "is not UTF-8" in error_of(lambda: page(store)).message


def two_runs(folder: Path) -> Path:
    """Store two runs, whose points take several pages."""
    writes = writer(folder)
    for run in (1, 2):
        texts = [{f"k{key}": f"run {run} key {key} " + "x" * 900 for key in range(6)}]
        writes.commit([rows(an_attempt(run), 1, texts), log(an_attempt(run), 0, b"log %d" % run)])
    writes.close()
    return folder / DATABASE


def test_points_outside_of_a_zeroed_page_are_read(tmp_path: Path) -> None:
    path = two_runs(tmp_path)
    zero_page_of(path, unique_part(path, "chunk", 4))
    reads = reader(tmp_path)
    try:
        found = asyncio.run(reads.history(query()))
        kept = [(each.run, each.key) for each in map(v1.Series.FromString, found.items)]
        assert {run for run, _ in kept} >= {f"{SWEEP}-2"}
        assert (f"{SWEEP}-1", "k3") not in kept
        assert len(kept) + len(found.damaged) == 12
        assert len(kept) >= 6
        error = error_of(lambda: asyncio.run(reads.history(query(skip=False))))
        assert error.metadata["run"] in (f"{SWEEP}-1", f"{SWEEP}-2")
    finally:
        reads.close()


def test_summaries_outside_of_a_zeroed_page_are_read(tmp_path: Path) -> None:
    writes = writer(tmp_path)
    for run in range(1, 7):
        writes.commit(
            [rows(an_attempt(run), 1, [{f"k{key}": f"run {run} " + "x" * 200 for key in range(5)}])]
        )
    writes.close()
    path = tmp_path / DATABASE
    with closing(sqlite3.connect(path)) as connection:
        bodies = [body for (body,) in connection.execute("select summary from series")]
    assert len(bodies) == 30
    zero_page_of(path, unique_part(path, "series", 13))
    reads = reader(tmp_path)
    try:
        found = asyncio.run(reads.summaries(ALL, Position(), 100, skip_damaged=True))
        assert 0 < len(found.damaged) < 30
        assert len(found.damaged) + len(found.items) == 30
        histories = asyncio.run(reads.history(query()))
        assert len(histories.items) >= len(found.items)
    finally:
        reads.close()


def unique_part(path: Path, table: str, row: int) -> bytes:
    """Return bytes of a row that identify its page."""
    checksum = stored(path, f"select cast(checksum as blob) from {table} where rowid = ?", row)
    return int(checksum).to_bytes(4, "big")


def test_a_truncated_database_is_reported_as_damage(tmp_path: Path) -> None:
    path = two_runs(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    reads, writes = reader(tmp_path), writer(tmp_path)
    try:
        error = error_of(lambda: asyncio.run(reads.history(query())))
        assert f"{path} is damaged: some of its pages cannot be read" in error.message
        error_of(lambda: writes.commit([rows(an_attempt(), 2, [{"a": 1.0}])]))
    finally:
        reads.close()
        writes.close()


def test_a_file_that_is_not_a_database_is_reported_as_damage(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    path.write_bytes(bytes(range(256)) * 64)
    reads, writes = reader(tmp_path), writer(tmp_path)
    try:
        for read in (lambda: asyncio.run(reads.history(query())), writes.open):
            assert f"{path} is damaged: it is not a database" in error_of(read).message
    finally:
        reads.close()
        writes.close()


def test_a_zeroed_overflow_page_is_detected(tmp_path: Path) -> None:
    writes = writer(tmp_path)
    texts = [f"row {row} of many " + "x" * 900 for row in range(1, 16)]
    writes.commit([rows(an_attempt(), 1, [{"a": text, "b": 1.5} for text in texts])])
    writes.close()
    zero_page_of(tmp_path / DATABASE, b"row 14 of many")
    reads = reader(tmp_path)
    try:
        found = asyncio.run(reads.history(query()))
        assert [each.name for each in found.damaged] == ["a"]
        assert {key for key, _, _ in seen(found)} == {"b"}
    finally:
        reads.close()


def change_index(path: Path, table: str, before: bytes, after: bytes) -> None:
    """Change an entry of the index of a table; the row itself stays."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        (root,) = connection.execute(
            "select rootpage from sqlite_master where name = ?", (f"sqlite_autoindex_{table}_1",)
        ).fetchone()
        (size,) = connection.execute("pragma page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        page = file.read(size)
        assert page.count(before) == 1
        file.seek((root - 1) * size + page.index(before))
        file.write(after)


def test_points_missing_from_the_index_are_reported_as_damage(store: Store, path: Path) -> None:
    for first in (1, 301, 601):
        store.writes.commit([rows(an_attempt(), first, [{"a": float(at)} for at in range(300)])])
    # A record of the index: a header of 4 bytes (types of series, row and id), row 301, id 2. The constants 1
    # and 0 are types: what is changed is the series, from 1 to 0.
    change_index(path, "chunk", bytes.fromhex("04090201012d02"), bytes.fromhex("04080201012d02"))
    assert {row for _, row, _ in seen(page(store))} < set(range(1, 901))
    assert [(each.run, each.what, each.name) for each in page(store).damaged] == [
        (f"{SWEEP}-1", "points", "a")
    ]
    assert [each.name for each in page(store, max_points=50).damaged] == ["a"]
    error_of(lambda: asyncio.run(store.reads.history(query(skip=False))))
