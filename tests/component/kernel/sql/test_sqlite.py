"""Engine of SQLite: settings, transactions, and the errors to which it maps those of the driver."""

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sweepd_kernel.errors import DamagedError, Reason, Status, StorageError
from sweepd_kernel.sql.database import StatementError, storage_error
from sweepd_kernel.sql.sqlite import SqliteConnection, SqliteEngine, SqliteRows


@pytest.fixture
def engine(tmp_path: Path) -> SqliteEngine:
    return SqliteEngine(tmp_path / "a b%20c?.db", "scheduler")


def with_table(engine: SqliteEngine) -> SqliteConnection:
    connection = engine.connect()
    connection.execute("create table t (a integer primary key, b text)")
    return connection


def insert_and_execute(connection: SqliteConnection, statement: str) -> None:
    with connection.transaction():
        connection.execute("insert into t values (:a, :b)", {"a": 3, "b": None})
        connection.execute(statement)


def test_a_connection_is_durable_and_checks_foreign_keys(engine: SqliteEngine) -> None:
    with closing(engine.connect()) as connection:
        settings = [
            connection.execute(f"pragma {name}").all()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert settings == [[("wal",)], [(2,)], [(1,)], [(5000,)]]
    assert engine.path.exists()


def test_a_failed_transaction_stores_nothing(engine: SqliteEngine) -> None:
    with closing(with_table(engine)) as connection:
        with connection.transaction():
            connection.execute_many("insert into t values (?, ?)", [(1, "x"), (2, "y")])
        for statement, error in (
            ("insert into t values (1, '')", StatementError),
            ("select fail", StorageError),
        ):
            with pytest.raises(error):
                insert_and_execute(connection, statement)
        assert list(connection.execute("select a from t order by a")) == [(1,), (2,)]
        assert connection.execute("select b from t where a = 9").first() is None
        assert connection.columns() == {"t.a", "t.b"}


def test_a_snapshot_does_not_see_later_writes(engine: SqliteEngine) -> None:
    with closing(with_table(engine)) as writer, closing(engine.connect(read_only=True)) as reader:
        with reader.snapshot():
            before = reader.execute("select count(*) from t").first()
            writer.execute("insert into t values (1, '')")
            assert reader.execute("select count(*) from t").first() == before
        assert reader.execute("select count(*) from t").first() == (1,)


def test_a_read_only_connection_refuses_writes(engine: SqliteEngine) -> None:
    with_table(engine).close()
    with closing(engine.connect(read_only=True)) as connection, pytest.raises(StorageError):
        connection.execute("insert into t values (1, '')")


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="unable to open") as caught:
        SqliteEngine(tmp_path / "missing" / "x.db", "scheduler").connect()
    assert caught.value.status is Status.UNAVAILABLE
    assert caught.value.metadata["place"] == str(tmp_path / "missing" / "x.db")


def test_a_database_at_its_page_limit_is_full(engine: SqliteEngine) -> None:
    with closing(with_table(engine)) as connection:
        connection.execute("pragma max_page_count = 2")
        with pytest.raises(StorageError, match="no space left") as caught:
            connection.execute("insert into t values (1, hex(zeroblob(100000)))")
    assert caught.value.status is Status.RESOURCE_EXHAUSTED


def test_a_full_disk_is_distinguished_from_other_errors_of_files() -> None:
    full = storage_error(OSError(errno.ENOSPC, "No space left on device"), "scheduler", "/data/x")
    assert (full.status, full.reason) == (Status.RESOURCE_EXHAUSTED, Reason.STORAGE_UNAVAILABLE)
    assert full.metadata == {"service": "scheduler", "place": "/data/x"}
    denied = storage_error(PermissionError(errno.EACCES, "Permission denied"), "scheduler", "/data/x")
    assert denied.status is Status.UNAVAILABLE


def test_an_error_of_the_disk_has_its_sqlite_name(engine: SqliteEngine) -> None:
    broken = sqlite3.OperationalError("disk I/O error")
    broken.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    assert "disk I/O error (SQLITE_IOERR_FSYNC)" in str(engine.error(broken))


def test_damage_is_distinguished_from_other_errors(engine: SqliteEngine) -> None:
    engine.path.write_bytes(b"no database at all, but longer than a header of one " * 100)
    with pytest.raises(DamagedError, match="is not a database"):
        engine.connect()
    engine.path.unlink()
    with closing(engine.connect()) as connection:
        with pytest.raises(DamagedError, match="tables are missing"):
            connection.execute("select * from t")
        connection.execute("create table t (a integer primary key, b text)")
        connection.execute("insert into t values (1, cast(x'ff' as text))")
        for read in (list[object], SqliteRows.all, SqliteRows.first):
            with pytest.raises(DamagedError, match="not UTF-8"):
                read(connection.execute("select b from t"))


def test_a_replaced_file_is_detected(engine: SqliteEngine) -> None:
    with closing(with_table(engine)) as connection:
        assert not connection.replaced()
        engine.path.rename(engine.path.with_suffix(".moved"))
        assert connection.replaced()


def test_closing_a_writer_checkpoints_the_write_ahead_log(engine: SqliteEngine) -> None:
    writer, reader = with_table(engine), engine.connect(read_only=True)
    writer.execute("insert into t values (1, '')")
    writer.close()
    with closing(sqlite3.connect(f"{engine.path.as_uri()}?immutable=1", uri=True)) as file:
        assert file.execute("select a from t").fetchall() == [(1,)]
    reader.close()


def test_copies_get_unused_names(engine: SqliteEngine) -> None:
    with_table(engine).close()
    first, second = engine.back_up("before"), engine.back_up("before")
    assert (first, second) == (f"{engine.place}.before", f"{engine.place}.before-2")
    with closing(SqliteEngine(Path(second), "scheduler").connect()) as copy:
        assert copy.columns() == {"t.a", "t.b"}
