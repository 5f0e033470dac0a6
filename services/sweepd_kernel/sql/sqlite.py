"""Engine of SQLite: the only module of the services that imports its driver."""

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import chain, count
from pathlib import Path

from sweepd_kernel.errors import DamagedError, DomainError, StorageError
from sweepd_kernel.sql.database import Dialect, Row, StatementError, Values

MIN_FREE_BYTES = 64 * 1024
BUSY_SECONDS = 5.0

_DAMAGED = {
    sqlite3.SQLITE_CORRUPT: "some of its pages cannot be read",
    sqlite3.SQLITE_NOTADB: "it is not a database",
}
_NO_TABLES = "no such table"
_NO_TEXT = "Could not decode to UTF-8"
_STATEMENT_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    sqlite3.NotSupportedError,
)


class SqliteEngine:
    """Engine of a database file; `service`: name of the service in errors."""

    def __init__(self, path: Path, service: str) -> None:
        self.path = path
        self._service = service

    @property
    def dialect(self) -> Dialect:
        """SQL dialect."""
        return "sqlite"

    @property
    def place(self) -> str:
        """Path of the file."""
        return str(self.path)

    def connect(self, *, read_only: bool = False, overwrite_deleted: bool = False) -> "SqliteConnection":
        """Open the file in WAL mode, with every commit synced to disk."""
        try:
            driver = _opened(self.path, read_only=read_only)
            if overwrite_deleted:
                driver.execute("pragma secure_delete = on")
        except sqlite3.Error as error:
            raise self.error(error) from error
        return SqliteConnection(self, driver, read_only=read_only)

    def back_up(self, suffix: str) -> str:
        """Copy the database to a backup file next to it; return the path of the backup."""
        first = self.path.with_name(f"{self.path.name}.{suffix}")
        others = (first.with_name(f"{first.name}-{number}") for number in count(2))
        copy = next(each for each in chain((first,), others) if not each.exists())
        try:
            with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
        except sqlite3.Error as error:
            raise self.error(error) from error
        return str(copy)

    def driver_connection(self) -> object:
        """Return a connection of the underlying driver."""
        return _opened(self.path, read_only=False)

    def error(self, error: sqlite3.Error) -> DomainError | StatementError:
        """Return the port's error for a driver error."""
        if damage := _damage(error):
            return DamagedError(self.place, f"{damage} ({error})")
        if isinstance(error, _STATEMENT_ERRORS):
            return StatementError(f"{type(error).__name__}: {error}")
        code = _code(error)
        # If SQLite cannot grow its memory-mapped file, it reports an I/O error.
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and not _has_free_space(self.path)):
            return StorageError(self._service, self.place, "no space left on the device", full=True)
        name = getattr(
            error, "sqlite_errorname", ""
        )  # distinguishes a failed write from a failed sync or lock
        return StorageError(self._service, self.place, f"{error} ({name})" if name else str(error))


class SqliteRows:
    """Result of a statement."""

    __slots__ = ("_cursor", "_engine")

    def __init__(self, engine: SqliteEngine, cursor: sqlite3.Cursor) -> None:
        self._engine = engine
        self._cursor = cursor

    def __iter__(self) -> Iterator[Row]:
        """Yield each row as it is read."""
        try:
            yield from self._cursor
        except sqlite3.Error as error:
            raise self._engine.error(error) from error

    def first(self) -> Row | None:
        """Return the next row; None if there are no more rows."""
        try:
            row: Row | None = self._cursor.fetchone()
        except sqlite3.Error as error:
            raise self._engine.error(error) from error
        return row

    def all(self) -> list[Row]:
        """Return all remaining rows."""
        try:
            return self._cursor.fetchall()
        except sqlite3.Error as error:
            raise self._engine.error(error) from error


class SqliteConnection:
    """Connection to a file. SQLite supports `?` and `:name` directly, so no statement is translated."""

    def __init__(self, engine: SqliteEngine, driver: sqlite3.Connection, *, read_only: bool) -> None:
        self._engine = engine
        self._driver = driver
        self._read_only = read_only
        self._file = _file_at(engine.path)

    def execute(self, statement: str, values: Values = ()) -> SqliteRows:
        """Execute a statement."""
        try:
            return SqliteRows(self._engine, self._driver.execute(statement, values))
        except sqlite3.Error as error:
            raise self._engine.error(error) from error

    def execute_many(self, statement: str, rows: Iterable[Values]) -> None:
        """Execute a statement once for each of `rows`."""
        try:
            self._driver.executemany(statement, rows)
        except sqlite3.Error as error:
            raise self._engine.error(error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in a durable transaction; roll back on an error."""
        driver = self._driver
        try:
            driver.execute("begin immediate")
            yield
            driver.execute("commit")
        except BaseException as error:
            if driver.in_transaction:
                driver.rollback()
            if isinstance(error, sqlite3.Error):
                raise self._engine.error(error) from error
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Run the block in a read transaction: all reads see the same state of the database."""
        try:
            self._driver.execute("begin")
            try:
                yield
            finally:
                self._driver.rollback()
        except sqlite3.Error as error:
            raise self._engine.error(error) from error

    def columns(self) -> set[str]:
        """Return all columns of all tables."""
        found = self.execute(
            "select t.name || '.' || c.name from sqlite_master t, pragma_table_info(t.name) c"
            " where t.type = 'table' and t.name not like 'sqlite_%'"
        )
        return {name for (name,) in found}

    def replaced(self) -> bool:
        """Return True if the file at the path was replaced or deleted while its folder exists."""
        path = self._engine.path
        return path.parent.is_dir() and _file_at(path) != self._file

    def checkpoint(self) -> None:
        """Write the write-ahead log into the file, and truncate the log."""
        self.execute("pragma wal_checkpoint(truncate)").all()

    def close(self) -> None:
        """Close the connection; a writer first moves the write-ahead log into the file, if no reader uses it.

        SQLite itself does so only when the last connection is closed, and not if that one is read-only. A
        copy of the file without its `-wal` file would then lack the newest commits, or all commits.
        """
        with suppress(sqlite3.Error):
            if not self._read_only:
                self._driver.execute("pragma busy_timeout = 0")
                self._driver.execute("pragma wal_checkpoint(truncate)").fetchall()
        with suppress(sqlite3.Error):
            self._driver.close()


def _opened(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    driver = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_SECONDS,
    )
    try:
        if not read_only:
            driver.execute("pragma journal_mode = wal")
            driver.execute("pragma synchronous = full")
        driver.execute(f"pragma busy_timeout = {int(BUSY_SECONDS * 1000)}")
        driver.execute("pragma foreign_keys = on")
    except sqlite3.Error:
        driver.close()
        raise
    return driver


def _damage(error: sqlite3.Error) -> str:
    """Return a description of the damage that an error reports; empty if it reports none."""
    if str(error).startswith(_NO_TABLES):  # every table existed when the database was opened
        return "its tables are missing"
    if str(error).startswith(_NO_TEXT):
        return "it contains text that is not UTF-8"
    return _DAMAGED.get(_code(error), "")


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _has_free_space(place: Path) -> bool:
    try:
        return shutil.disk_usage(place.parent).free > MIN_FREE_BYTES
    except OSError:
        return True


def _file_at(path: Path) -> tuple[int, int] | None:
    """Return device and inode of the file at a path; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
