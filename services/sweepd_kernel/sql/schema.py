"""Tables and schemas of databases: a new one gets those of this version, an older one is migrated."""

from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from json import JSONEncoder

from sweepd_kernel.errors import StartError
from sweepd_kernel.sql.database import Connection, Dialect, Engine

json_text = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Returns a value as JSON in the form in which columns hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Names and statements of one table; the values of each statement come from generated functions.

    Args:
        name: its name.
        columns: its columns, in the order in which generated readers take them.
        insert: takes what `NAME_values` returns.
        upsert: likewise; where the key is there, all columns change but those that are fixed.
        update: takes what `NAME_changes` returns: the columns that may change, and the key.
        delete: takes the key.
    """

    name: str
    columns: tuple[str, ...]
    insert: str
    upsert: str
    update: str
    delete: str

    def __str__(self) -> str:
        return ", ".join(self.columns)

    def of(self, alias: str) -> str:
        """Return its columns for a select in which it is called `alias`."""
        return ", ".join(f"{alias}.{column}" for column in self.columns)

    def without(self, columns: Collection[str]) -> str:
        """Return its columns with null in place of some, which are large or secret and not to be read."""
        return ", ".join("null" if column in columns else column for column in self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The newest tables of a database.

    Args:
        package: the one that has its migrations.
        revision: of its newest migration.
        tables: all of them.
        statements: what makes them, by dialect.
    """

    package: str
    revision: str
    tables: tuple[Table, ...]
    statements: Mapping[Dialect, tuple[str, ...]]

    @property
    def columns(self) -> set[str]:
        """All columns, as `run.number`."""
        return {f"{table.name}.{column}" for table in self.tables for column in table.columns}


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
