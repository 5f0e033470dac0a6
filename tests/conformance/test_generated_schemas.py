"""The generated schema of each database and its migrations make the same tables, in each dialect."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import sqlalchemy

from postgresql import PostgresServer
from sweepd_kernel.sql import generate, migration
from sweepd_kernel.sql.engine import Engine
from sweepd_kernel.sql.postgresql import PostgresqlEngine
from sweepd_kernel.sql.schema import ensure_schema
from sweepd_kernel.sql.sqlite import SqliteEngine
from sweepd_kernel.sql.table import Schema


def schema_of(package: str) -> Schema:
    """Return the generated schema of a package."""
    schema = importlib.import_module(f"{package}.tables_sql").SCHEMA
    assert isinstance(schema, Schema)
    return schema


def index_text(index: Mapping[str, object]) -> str:
    """Return an index with the texts of its conditions."""
    options = index.get("dialect_options")
    conditions = {key: str(value) for key, value in options.items()} if isinstance(options, dict) else {}
    return str({**index, "dialect_options": conditions})


CATALOGUE = (
    """select table_name, column_name, data_type, is_nullable, column_default
        from information_schema.columns where table_schema = 'public' order by 1, ordinal_position""",
    """select cast(cast(conrelid as regclass) as text), pg_get_constraintdef(oid)
        from pg_constraint where connamespace = cast('public' as regnamespace) order by 1, 2""",
    "select tablename, indexdef from pg_indexes where schemaname = 'public' order by 1, 2",
)
"""Columns, constraints and indexes, as PostgreSQL writes them."""


def described(engine: Engine) -> object:
    """Return all that is known of the tables of a database, but for that of the revision."""
    if engine.dialect == "sqlite":
        return inspected(engine)
    with closing(engine.connect()) as connection:
        found = [row for query in CATALOGUE for row in connection.execute(query)]
    return [row for row in found if row[0] != "alembic_version"]


def inspected(engine: Engine) -> dict[str, object]:
    """Return all that SQLAlchemy finds out about the tables of a database, but for that of the revision."""
    used = sqlalchemy.create_engine("sqlite://", creator=engine.driver_connection)
    found = sqlalchemy.inspect(used)
    tables = [name for name in found.get_table_names() if name != "alembic_version"]
    columns = {
        name: [{**column, "type": str(column["type"])} for column in found.get_columns(name)]
        for name in tables
    }
    parts = {
        name: (
            columns[name],
            found.get_pk_constraint(name),
            found.get_foreign_keys(name),
            sorted(map(str, found.get_unique_constraints(name))),
            sorted(map(index_text, found.get_indexes(name))),
            found.get_table_options(name),
        )
        for name in tables
    }
    used.dispose()
    return dict(parts)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("PostgreSQL"))])
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sequence[Engine]]:
    """Yield two databases without tables."""
    if request.param == "sqlite":
        yield [SqliteEngine(tmp_path / name, "test") for name in ("fresh", "migrated")]
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    with ExitStack() as made:
        addresses = [made.enter_context(server.database("empty", lambda _: None)) for _ in range(2)]
        yield [PostgresqlEngine(address, "test") for address in addresses]


@pytest.mark.parametrize("package", generate.packages())
def test_generated_schema_and_migrations_agree(engines: Sequence[Engine], package: str) -> None:
    fresh, migrated = engines
    ensure_schema(fresh, schema_of(package))
    migration.upgrade(migrated, package)
    assert described(fresh) == described(migrated)
    for engine in (fresh, migrated):
        with closing(engine.connect()) as connection:
            stored = connection.execute("select version_num from alembic_version").all()
            assert stored == [(schema_of(package).revision,)]
            assert connection.columns() == schema_of(package).columns | {"alembic_version.version_num"}
