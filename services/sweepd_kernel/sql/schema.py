"""Tables of a database: a new one gets those of this version, an older one is copied aside and migrated."""

from contextlib import closing

from sweepd_kernel.errors import StartError
from sweepd_kernel.sql.engine import Connection, Engine
from sweepd_kernel.sql.table import Schema


def ensure_schema(engine: Engine, schema: Schema) -> None:
    """Bring a database to the tables of this version.

    Raises:
        StartError: it was written by a newer version, or by one that never was released.
        DamagedError: it cannot be read, and will not be.
        StorageError: it cannot be read or written; nothing is half done.
    """
    with closing(engine.connect()) as connection:
        present = connection.columns()
        if not present:
            with connection.transaction():
                for statement in schema.statements[engine.dialect]:
                    connection.execute(statement)
            return
        stored = _revision(connection, present)
    if stored != schema.revision:
        _migrate(engine, schema, stored)
        with closing(engine.connect()) as connection:
            present = connection.columns()
    if missing := sorted(schema.columns - present):
        # Writes would fail, and be tried again for ever.
        raise StartError(
            f"{engine.place} has not the tables of its version: {', '.join(missing)} missing; "
            "a version that was never released has written it: move it away, or put back a copy from before"
        )


def _revision(connection: Connection, present: set[str]) -> str:
    if "alembic_version.version_num" not in present:
        raise StartError("the database was not written by this program: it has no alembic_version")
    row = connection.execute("select version_num from alembic_version").first()
    return str(row[0]) if row else ""


def _migrate(engine: Engine, schema: Schema, stored: str) -> None:
    # Alembic costs half a second of imports, so only a database of another version pays for it.
    from sweepd_kernel.sql import migration

    if not migration.knows(schema.package, stored):
        # Revisions are numbers of four digits, so their text compares as they do.
        if stored < schema.revision:
            raise StartError(
                f"{engine.place} was written by a build from before the first release (its schema is"
                f" {stored}, ours is {schema.revision}): export what you need with that build, then move the"
                " data folder away, or name a new one with --data"
            )
        raise StartError(
            f"{engine.place} was written by a newer version (its schema is {stored}, ours {schema.revision})"
        )
    engine.copy_aside(f"before-{schema.revision}")
    migration.upgrade(engine, schema.package)
