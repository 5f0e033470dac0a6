"""How a database gets the tables that this version expects, without loading Alembic at each start.

A package with a database has two things: `schema.sql`, the newest tables, whose last statement enters the
newest revision in `alembic_version`; and `migrations/versions/`, Alembic's revisions. A new database is made
from the first in one transaction; an older one is copied aside, then brought up by the second.
"""

import re
import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path

from sweepd_kernel.database import damage_of, open_sqlite
from sweepd_kernel.errors import DamagedError, StartError

_NEWEST = re.compile(r"insert\s+into\s+alembic_version\b[^;]*?'(\w+)'", re.IGNORECASE)


def ensure_schema(path: Path, package: str) -> None:
    """Bring the database at `path` to the newest schema of `package`, as `sweepd_scheduler`.

    Raises:
        StartError: it was written by a newer version, or by one that never was released.
        DamagedError: it cannot be read, and will not be.
        sqlite3.Error: it cannot be read or written; nothing is half done.
    """
    try:
        _ensure_schema(path, package)
    except sqlite3.Error as error:
        if damage := damage_of(error):
            raise DamagedError(str(path), f"{damage} ({error})") from error
        raise


def _ensure_schema(path: Path, package: str) -> None:
    schema = resources.files(package).joinpath("schema.sql").read_text()
    newest = newest_revision(schema)
    connection = open_sqlite(path)
    try:
        stored = _stored_revision(connection)
        if stored is None:
            connection.executescript(f"begin immediate;\n{schema}\ncommit;")
            return
    except sqlite3.Error:
        if connection.in_transaction:
            connection.rollback()
        raise
    finally:
        connection.close()
    if stored != newest:
        _migrate(path, package, stored=stored, newest=newest)
    _check_columns(path, schema)


def newest_revision(schema: str) -> str:
    """The revision that the text of a `schema.sql` enters."""
    found = _NEWEST.search(schema)
    if found is None:
        raise ValueError("schema.sql does not enter its revision in alembic_version")
    return found[1]


def _stored_revision(connection: sqlite3.Connection) -> str | None:
    tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
    if not tables:
        return None
    if ("alembic_version",) not in tables:
        raise StartError("the database was not written by this program: it has no alembic_version")
    row = connection.execute("select version_num from alembic_version").fetchone()
    return str(row[0]) if row else None


def _check_columns(path: Path, schema: str) -> None:
    """Refuse a database that lacks what is written to it: writes would fail, and be tried again for ever."""
    with closing(sqlite3.connect(":memory:")) as model, closing(open_sqlite(path, read_only=True)) as stored:
        model.executescript(schema)
        missing = sorted(_columns(model) - _columns(stored))
    if missing:
        raise StartError(
            f"{path} has not the tables of its version: {', '.join(missing)} missing; "
            "a version that was never released has written it: move it away, or put back a copy from before"
        )


def _columns(connection: sqlite3.Connection) -> set[str]:
    """Return all columns, as `run.number`."""
    found = connection.execute(
        "select t.name || '.' || c.name from sqlite_master t, pragma_table_info(t.name) c"
        " where t.type = 'table'"
    )
    return {name for (name,) in found}


def _migrate(path: Path, package: str, *, stored: str, newest: str) -> None:
    # Alembic costs half a second of imports, so only a database of another version pays for it.
    from sweepd_kernel import migration

    if not migration.knows(package, stored):
        # Revisions are numbers of four digits, so their text compares as they do.
        if stored < newest:
            raise StartError(
                f"{path} was written by a build from before the first release (its schema is {stored},"
                f" ours is {newest}): export what you need with that build, then move the data folder away,"
                " or name a new one with --data"
            )
        raise StartError(f"{path} was written by a newer version (its schema is {stored}, ours {newest})")
    backup = path.with_name(f"{path.name}.before-{newest}")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    migration.upgrade(path, package)
