"""Makes the database of a scheduler refuse what is written, from outside, and take it again."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

AWAY = "select abs(-9223372036854775808)"
"""Fails as a disk does: the error lays no blame on what is to be written."""

DEFECT = "select raise(abort, 'no such state')"
"""Fails as a rule of the tables does: what is to be written is wrong, and stays so."""


@contextmanager
def refusing(database: Path, how: str = AWAY) -> Iterator[None]:
    """Refuse every change of a sweep."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute(f"create trigger refuse before update on sweep begin {how}; end")
    try:
        yield
    finally:
        connection.execute("drop trigger refuse")
        connection.close()
