"""Tables and schemas: a new database gets the tables of this version, an older one is migrated."""

from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from json import JSONEncoder

from sweepd_kernel.errors import StartError
from sweepd_kernel.sql.database import Connection, Dialect, Engine

json_text = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Function that returns a value as compact JSON, as stored in columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Names and statements of one table; generated functions return the bind values of each statement.

    Args:
        name: name of the table.
        columns: columns in the order of generated readers.
        insert: statement with the values of `NAME_values`.
        upsert: likewise; if the key exists, updates all columns except fixed ones.
        update: statement with the values of `NAME_changes`: the columns that may change, and the key.
        delete: statement with the key.
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
        """Return the columns for a select, qualified by `alias`."""
        return ", ".join(f"{alias}.{column}" for column in self.columns)

    def without(self, columns: Collection[str]) -> str:
        """Return the columns for a select, with null in place of `columns`, such as large or secret ones."""
        return ", ".join("null" if column in columns else column for column in self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Schema of a database in this version.

    Args:
        package: package with its migrations.
        revision: revision of its newest migration.
        tables: all tables.
        statements: statements that create the tables, by dialect.
    """

    package: str
    revision: str
    tables: tuple[Table, ...]
    statements: Mapping[Dialect, tuple[str, ...]]

    @property
    def columns(self) -> set[str]:
        """All columns, in the form `run.number`."""
        return {f"{table.name}.{column}" for table in self.tables for column in table.columns}


def ensure_schema(engine: Engine, schema: Schema) -> None:
    """Create the tables of a new database; migrate an older one to this version.

    Raises:
        StartError: the database was written by a newer or unreleased version, or by another program.
        DamagedError: the database is damaged.
        StorageError: the database cannot be read or written; no change is half done.
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
        # Writes would fail and be retried forever.
        raise StartError(
            f"{engine.place} lacks columns of its version: {', '.join(missing)}; it was written by an "
            "unreleased version: move it away, or restore an earlier backup"
        )


def _revision(connection: Connection, present: set[str]) -> str:
    if "alembic_version.version_num" not in present:
        raise StartError("the database was not written by this program: it has no alembic_version")
    row = connection.execute("select version_num from alembic_version").first()
    return str(row[0]) if row else ""


def _migrate(engine: Engine, schema: Schema, stored: str) -> None:
    # Importing Alembic takes half a second, so it is imported only to migrate.
    from sweepd_kernel.sql import migration

    if not migration.has_revision(schema.package, stored):
        # Revisions are four-digit numbers, so they compare as text.
        if stored < schema.revision:
            raise StartError(
                f"{engine.place} was written by a build from before the first release (its schema is"
                f" {stored}, ours is {schema.revision}): export what you need with that build, then move the"
                " data folder away, or name a new one with --data"
            )
        raise StartError(
            f"{engine.place} was written by a newer version (its schema is {stored}, ours {schema.revision})"
        )
    engine.back_up(f"before-{schema.revision}")
    migration.upgrade(engine, schema.package)
