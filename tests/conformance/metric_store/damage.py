"""Ways to damage a database: a byte of one column, or a whole page of the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def change(path: Path, statement: str, *values: object) -> None:
    """Change stored rows behind the back of the store."""
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement, values).rowcount


def flipped(body: bytes, at: int) -> bytes:
    """Return `body` with one bit of one byte turned."""
    return body[:at] + bytes([body[at] ^ 0x10]) + body[at + 1 :]


def stored(path: Path, query: str, *values: object) -> bytes:
    """Return the first column that a query finds."""
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute(query, values).fetchone()
    assert isinstance(row[0], bytes)
    return row[0]


def zero_page_of(path: Path, content: bytes) -> None:
    """Zero the page of a closed database on which some bytes lie."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        (size,) = connection.execute("pragma page_size").fetchone()
    whole = path.read_bytes()
    assert whole.count(content) == 1
    page = whole.index(content) // size
    with path.open("r+b") as file:
        file.seek(page * size)
        file.write(bytes(size))
