"""Generated schemas: they and the migrations create the same tables."""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from postgresql import PostgresServer
from sweepd_kernel.sql import generate, migration
from sweepd_kernel.sql.database import Dialect, Engine
from sweepd_kernel.sql.postgresql import PostgresqlEngine
from sweepd_kernel.sql.schema import Schema, ensure_schema
from sweepd_kernel.sql.sqlite import SqliteEngine

DRIVERS: dict[Dialect, str] = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}


def schema_of(package: str) -> Schema:
    """Return the generated schema of a package."""
    schema = importlib.import_module(f"{package}.tables_sql").SCHEMA
    assert isinstance(schema, Schema)
    return schema


def index_text(index: Mapping[str, object]) -> str:
    """Return the text of an index; its conditions are converted to strings to be comparable."""
    options = index.get("dialect_options")
    conditions = {key: str(value) for key, value in options.items()} if isinstance(options, dict) else {}
    return str({**index, "dialect_options": conditions})


def described(engine: Engine) -> dict[str, object]:
    """Return what SQLAlchemy reports about the tables of a database, except `alembic_version`."""
    sql_engine = sqlalchemy.create_engine(DRIVERS[engine.dialect], creator=engine.driver_connection)
    found = sqlalchemy.inspect(sql_engine)
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
    sql_engine.dispose()
    return dict(parts)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("PostgreSQL"))])
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    """Yield two empty databases."""
    if request.param == "sqlite":
        yield SqliteEngine(tmp_path / "fresh", "test"), SqliteEngine(tmp_path / "migrated", "test")
        return
    server: PostgresServer = request.getfixturevalue("postgresql")
    with ExitStack() as opened:
        first, second = (
            PostgresqlEngine(opened.enter_context(server.database("empty", lambda _address: None)), "test")
            for _ in range(2)
        )
        yield first, second


@pytest.mark.parametrize("package", generate.packages())
def test_a_generated_schema_and_the_migrations_create_the_same_tables(
    engines: tuple[Engine, Engine], package: str
) -> None:
    fresh, migrated = engines
    ensure_schema(fresh, schema_of(package))
    migration.upgrade(migrated, package)
    assert described(fresh) == described(migrated)
    for engine in engines:
        with closing(engine.connect()) as connection:
            stored = connection.execute("select version_num from alembic_version").all()
            assert stored == [(schema_of(package).revision,)]
            assert connection.columns() == schema_of(package).columns | {"alembic_version.version_num"}


@pytest.mark.parametrize("package", generate.packages())
def test_the_migrations_create_all_that_the_models_declare(
    engines: tuple[Engine, Engine], package: str
) -> None:
    _, migrated = engines
    migration.upgrade(migrated, package)
    sql_engine = sqlalchemy.create_engine(DRIVERS[migrated.dialect], creator=migrated.driver_connection)
    with sql_engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, generate.metadata(package)) == []
    sql_engine.dispose()
