"""Damage to a database: changed columns, and zeroed pages of the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sweepd_kernel.sql.database import Engine, Value
from sweepd_kernel.sql.sqlite import SqliteEngine


def change(at: Engine | Path, statement: str, *values: Value) -> None:
    """Change stored rows directly in the database."""
    with closing(_engine(at).connect()) as connection:
        assert connection.execute(f"{statement} returning 1", values).all()


def flipped(body: bytes, at: int) -> bytes:
    """Return `body` with one bit of the byte `at` flipped."""
    return body[:at] + bytes([body[at] ^ 0x10]) + body[at + 1 :]


def stored(at: Engine | Path, query: str, *values: Value) -> bytes:
    """Return the first column that a query finds."""
    with closing(_engine(at).connect(read_only=True)) as connection:
        row = connection.execute(query, values).first()
    assert row is not None
    assert isinstance(row[0], bytes)
    return row[0]


def _engine(at: Engine | Path) -> Engine:
    return SqliteEngine(at, "test") if isinstance(at, Path) else at


def zero_page_of(path: Path, content: bytes) -> None:
    """Zero the page of a closed database that contains some bytes."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        (size,) = connection.execute("pragma page_size").fetchone()
    file_bytes = path.read_bytes()
    assert file_bytes.count(content) == 1
    page = file_bytes.index(content) // size
    with path.open("r+b") as file:
        file.seek(page * size)
        file.write(bytes(size))
