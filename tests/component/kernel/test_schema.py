"""Databases: made new, found current, brought up, refused; and folders held by one process."""

import errno
import os
import sqlite3
import sys
from pathlib import Path

import pytest

from sweepd_kernel.auth.token_files import ensure_token
from sweepd_kernel.database import open_sqlite, storage_error
from sweepd_kernel.errors import Reason, StartError, Status
from sweepd_kernel.process.data_folder import DataInUseError, holder_of, lock_data_folder
from sweepd_kernel.schema import ensure_schema

FIRST = """
create table alembic_version (version_num varchar(32) not null primary key);
create table thing (id integer primary key);
insert into alembic_version (version_num) values ('0001');
"""
SECOND = FIRST.replace("(id integer primary key)", "(id integer primary key, name varchar)").replace(
    "0001", "0002"
)
MIGRATION = '''
"""One revision."""
from alembic import op
import sqlalchemy as sa
revision = "{revision}"
down_revision = {before}
def upgrade() -> None:
    {body}
'''


class Package:
    """A package with a schema, as a service has one."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder / name
        versions = self._folder / "migrations" / "versions"
        versions.mkdir(parents=True)
        (self._folder / "__init__.py").touch()
        self._versions = versions
        create = 'op.create_table("thing", sa.Column("id", sa.Integer, primary_key=True))'
        self._revision("0001", "None", create)

    def release_first(self) -> None:
        (self._folder / "schema.sql").write_text(FIRST)

    def release_second(self, body: str = 'op.add_column("thing", sa.Column("name", sa.String))') -> None:
        (self._folder / "schema.sql").write_text(SECOND)
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


def test_a_new_database_gets_the_newest_tables_without_alembic(package: Package, tmp_path: Path) -> None:
    package.release_first()
    loaded = "alembic" in sys.modules
    ensure_schema(tmp_path / "x.db", package.name)
    ensure_schema(tmp_path / "x.db", package.name)
    assert columns(tmp_path / "x.db") == ["id"]
    assert ("alembic" in sys.modules) == loaded


def test_an_older_database_is_copied_aside_and_brought_up(package: Package, tmp_path: Path) -> None:
    package.release_first()
    ensure_schema(tmp_path / "x.db", package.name)
    package.release_second()
    ensure_schema(tmp_path / "x.db", package.name)
    assert columns(tmp_path / "x.db") == ["id", "name"]
    assert columns(tmp_path / "x.db.before-0002") == ["id"]
    ensure_schema(tmp_path / "y.db", package.name)
    assert columns(tmp_path / "y.db") == ["id", "name"]


def test_a_migration_that_fails_leaves_the_database_as_it_was(package: Package, tmp_path: Path) -> None:
    package.release_first()
    ensure_schema(tmp_path / "x.db", package.name)
    package.release_second('op.add_column("thing", sa.Column("name", sa.String)); raise RuntimeError("no")')
    with pytest.raises(RuntimeError):
        ensure_schema(tmp_path / "x.db", package.name)
    assert columns(tmp_path / "x.db") == ["id"]


def test_a_database_of_a_newer_version_is_refused(package: Package, tmp_path: Path) -> None:
    package.release_first()
    ensure_schema(tmp_path / "x.db", package.name)
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("update alembic_version set version_num = '0009'")
    connection.close()
    with pytest.raises(StartError, match="newer version"):
        ensure_schema(tmp_path / "x.db", package.name)


def test_a_database_of_a_build_before_the_first_release_is_refused(package: Package, tmp_path: Path) -> None:
    package.release_first()
    ensure_schema(tmp_path / "x.db", package.name)
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("update alembic_version set version_num = '0000'")
    connection.close()
    with pytest.raises(StartError, match=r"before the first release.*export what you need.*--data"):
        ensure_schema(tmp_path / "x.db", package.name)
    assert columns(tmp_path / "x.db") == ["id"]


def test_a_database_without_all_columns_of_its_version_is_refused(package: Package, tmp_path: Path) -> None:
    package.release_first()
    ensure_schema(tmp_path / "x.db", package.name)
    package.release_second("pass")
    with pytest.raises(StartError, match=r"x\.db has not the tables of its version: thing\.name missing"):
        ensure_schema(tmp_path / "x.db", package.name)


def test_a_database_of_somebody_else_is_refused(package: Package, tmp_path: Path) -> None:
    package.release_first()
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table theirs (id integer)")
    connection.close()
    with pytest.raises(StartError):
        ensure_schema(tmp_path / "x.db", package.name)


def test_a_connection_is_durable_and_checks_references(tmp_path: Path) -> None:
    connection = open_sqlite(tmp_path / "a b%20c?.db")
    settings = {
        name: connection.execute(f"pragma {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    }
    connection.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    assert (tmp_path / "a b%20c?.db").exists()


def test_a_read_only_connection_writes_nothing(tmp_path: Path) -> None:
    open_sqlite(tmp_path / "x.db").close()
    connection = open_sqlite(tmp_path / "x.db", read_only=True)
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("create table t (a)")
    connection.close()


def test_a_full_disk_and_other_trouble_are_told_apart() -> None:
    full = storage_error(OSError(errno.ENOSPC, "No space left on device"), "scheduler", "/data/x.db")
    assert (full.status, full.reason) == (Status.RESOURCE_EXHAUSTED, Reason.STORAGE_UNAVAILABLE)
    assert full.metadata == {"service": "scheduler", "place": "/data/x.db"}
    away = storage_error(sqlite3.OperationalError("unable to open database file"), "scheduler", "/data/x.db")
    assert away.status is Status.UNAVAILABLE
    broken = sqlite3.OperationalError("disk I/O error")
    broken.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    assert "disk I/O error (SQLITE_IOERR_FSYNC)" in str(storage_error(broken, "scheduler", "/data/x.db"))


def test_a_database_that_may_not_grow_is_full(tmp_path: Path) -> None:
    connection = open_sqlite(tmp_path / "x.db")
    connection.execute("create table t (a)")
    connection.execute("pragma max_page_count = 2")
    with pytest.raises(sqlite3.Error) as caught:
        connection.execute("insert into t values (zeroblob(100000))")
    connection.close()
    assert storage_error(caught.value, "scheduler", "x.db").status is Status.RESOURCE_EXHAUSTED


def test_a_data_folder_has_one_holder_who_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert holder_of(folder) is None
    lock = lock_data_folder(folder)
    assert holder_of(folder) == os.getpid()
    with pytest.raises(DataInUseError, match=f"in use by process {os.getpid()}"):
        lock_data_folder(folder, patience=0.0)
    lock.release()
    assert holder_of(folder) is None
    lock_data_folder(folder).release()


def test_a_token_is_made_once_and_refused_when_it_is_none(tmp_path: Path) -> None:
    path = tmp_path / "below" / "token"
    token = ensure_token(path)
    assert len(token) >= 43
    assert ensure_token(path) == token
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["token"]
    path.write_text("short\n")
    with pytest.raises(StartError, match="holds no token"):
        ensure_token(path)
    with pytest.raises(StartError, match="cannot use the token file"):
        ensure_token(tmp_path / "below" / "token" / "x")
