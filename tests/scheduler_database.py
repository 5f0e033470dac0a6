"""Makes the database of a scheduler refuse and accept writes, from outside."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sweepd_kernel.sql.database import Engine
from sweepd_kernel.sql.sqlite import SqliteEngine

AWAY = "select abs(-9223372036854775808)"
"""Fails as a disk does: the error does not concern the written data."""

DEFECT = "select raise(abort, 'no such state')"
"""Fails as a constraint of the tables does: the written data is invalid, and stays so."""

_FULL_DISK = """create or replace function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'no room' using errcode = '53100'; end $$"""


@contextmanager
def refusing(database: Path | Engine, how: str = AWAY) -> Iterator[None]:
    """Refuse every change of a sweep; on PostgreSQL as a full disk does."""
    engine = SqliteEngine(database, "test") if isinstance(database, Path) else database
    with closing(engine.connect()) as connection:
        if engine.dialect == "sqlite":
            connection.execute(f"create trigger refuse before update on sweep begin {how}; end")
        else:
            connection.execute(_FULL_DISK)
            connection.execute(
                "create trigger refuse before update on sweep for each row execute function refuse()"
            )
        try:
            yield
        finally:
            on_table = "" if engine.dialect == "sqlite" else " on sweep"
            connection.execute(f"drop trigger refuse{on_table}")
