"""Fault injection: makes the database of a scheduler refuse writes, from another connection."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sweepd_kernel.sql.database import Engine
from sweepd_kernel.sql.sqlite import SqliteEngine

UNAVAILABLE = "select abs(-9223372036854775808)"
"""Fails as a broken disk does: the error does not depend on the written data."""

DEFECT = "select raise(abort, 'no such state')"
"""Fails as a table constraint does: a retry of the same data fails too."""

_FULL_DISK = """create or replace function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'no room' using errcode = '53100'; end $$"""


@contextmanager
def refusing(database: Path | Engine, failure: str = UNAVAILABLE) -> Iterator[None]:
    """Refuse updates of sweeps while the context is open; on PostgreSQL always as a full disk does."""
    engine = SqliteEngine(database, "test") if isinstance(database, Path) else database
    with closing(engine.connect()) as connection:
        if engine.dialect == "sqlite":
            connection.execute(f"create trigger refuse before update on sweep begin {failure}; end")
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
