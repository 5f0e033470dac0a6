"""Schemas of databases: creation, migration, and databases that are refused."""

import sqlite3
import sys
from pathlib import Path

import pytest

from sweepd_kernel.errors import StartError
from sweepd_kernel.sql.schema import Schema, Table, ensure_schema
from sweepd_kernel.sql.sqlite import SqliteEngine

MIGRATION = '''
"""One revision."""
from alembic import op
import sqlalchemy as sa
revision = "{revision}"
down_revision = {before}
def upgrade() -> None:
    {body}
'''


def schema(package: str, revision: str, columns: tuple[str, ...]) -> Schema:
    """Return the schema of one table, like a generated one."""
    table = Table(name="thing", columns=columns, insert="", upsert="", update="", delete="")
    listed = ", ".join(f"{column} varchar" for column in columns)
    statements = (
        f"create table thing ({listed})",
        "create table alembic_version (version_num varchar(32) not null primary key)",
        f"insert into alembic_version (version_num) values ('{revision}')",
    )
    return Schema(package=package, revision=revision, tables=(table,), statements={"sqlite": statements})


class Package:
    """Package with a schema and its migrations, like that of a service."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.schema = schema(name, "0001", ("id",))
        self._versions = folder / name / "migrations"
        self._versions.mkdir(parents=True)
        (folder / name / "__init__.py").touch()
        create = 'op.create_table("thing", sa.Column("id", sa.Integer, primary_key=True))'
        self._revision("0001", "None", create)

    def release_second(self, body: str = 'op.add_column("thing", sa.Column("name", sa.String))') -> None:
        self.schema = schema(self.name, "0002", ("id", "name"))
        self._revision("0002", '"0001"', body)

    def _revision(self, revision: str, before: str, body: str) -> None:
        text = MIGRATION.format(revision=revision, before=before, body=body)
        (self._versions / f"{revision}_x.py").write_text(text)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Package:
    monkeypatch.syspath_prepend(str(tmp_path))
    return Package(tmp_path, f"package_{abs(hash(request.node.name))}")


def columns(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        names = [row[1] for row in connection.execute("pragma table_info(thing)")]
    connection.close()
    return names


def test_a_new_database_is_created_with_the_newest_tables_without_alembic(
    package: Package, tmp_path: Path
) -> None:
    loaded = "alembic" in sys.modules
    ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)
    ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)
    assert columns(tmp_path / "x.db") == ["id"]
    assert ("alembic" in sys.modules) == loaded


def test_an_older_database_is_copied_and_migrated(package: Package, tmp_path: Path) -> None:
    ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)
    package.release_second()
    ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)
    assert columns(tmp_path / "x.db") == ["id", "name"]
    assert columns(tmp_path / "x.db.before-0002") == ["id"]
    ensure_schema(SqliteEngine(tmp_path / "y.db", "test"), package.schema)
    assert columns(tmp_path / "y.db") == ["id", "name"]


def test_a_failed_migration_leaves_the_database_unchanged(package: Package, tmp_path: Path) -> None:
    ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)
    package.release_second('op.add_column("thing", sa.Column("name", sa.String)); raise RuntimeError("no")')
    with pytest.raises(RuntimeError):
        ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)
    assert columns(tmp_path / "x.db") == ["id"]


def test_a_database_of_a_newer_version_is_refused(package: Package, tmp_path: Path) -> None:
    ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("update alembic_version set version_num = '0009'")
    connection.close()
    with pytest.raises(StartError, match="newer version"):
        ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)


def test_a_database_of_a_build_before_the_first_release_is_refused(package: Package, tmp_path: Path) -> None:
    ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("update alembic_version set version_num = '0000'")
    connection.close()
    with pytest.raises(StartError, match=r"before the first release.*export what you need.*--data"):
        ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)
    assert columns(tmp_path / "x.db") == ["id"]


def test_a_database_without_all_columns_of_its_version_is_refused(package: Package, tmp_path: Path) -> None:
    ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)
    package.release_second("pass")
    with pytest.raises(StartError, match=r"x\.db lacks columns of its version: thing\.name"):
        ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)


def test_a_database_of_another_program_is_refused(package: Package, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table theirs (id integer)")
    connection.close()
    with pytest.raises(StartError):
        ensure_schema(SqliteEngine(tmp_path / "x.db", "test"), package.schema)
