"""Engine of PostgreSQL: the only module of the services that imports its driver.

The conformance tests of the stores run on it; no service opens it yet. The engine is chosen in `app.py` of
the scheduler and of the metric store.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from itertools import count, islice

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumperUnknown

from sweepd_kernel.errors import DamagedError, DomainError, StorageError
from sweepd_kernel.sql.database import Dialect, Row, StatementError, Value, Values

BUSY_SECONDS = 5
COPIED_ROWS = 50
"""Minimum number of rows for a binary COPY, which costs two additional statements."""

_WRITER_LOCK = 0x73776565
"""Advisory lock of the single transaction that may write."""
_FULL = (psycopg.errors.DiskFull,)
_DAMAGED = (psycopg.errors.DataCorrupted, psycopg.errors.IndexCorrupted, psycopg.errors.UndefinedTable)
_STATEMENT_ERRORS = (
    psycopg.IntegrityError,
    psycopg.ProgrammingError,
    psycopg.DataError,
    psycopg.NotSupportedError,
    psycopg.InterfaceError,
)
# SQL strings are left unchanged: a colon in a string does not start a parameter.
_TOKENS = re.compile(
    r"(?P<text>'[^']*')"
    r"|json_each\((?P<list>\?|:\w+)\)"
    r"|(?P<name>:[a-z_]\w*)|(?P<mark>\?)|(?P<percent>%)"
    r"|\bcross join(?= \w+ \w+ on\b)",
    re.IGNORECASE,
)
_INSERT = re.compile(r"insert into (\w+) \(([\w, ]+)\) values \([?, ]+\)")


class PostgresqlEngine:
    """Engine of a database on a server; `service`: name of the service in errors."""

    def __init__(self, address: str, service: str) -> None:
        """Create an engine; `address`: a connection string or URI of libpq."""
        self.address = address
        self._service = service
        parts = conninfo_to_dict(address)
        self._name = str(parts.get("dbname", ""))
        self._host = str(parts.get("host", "localhost"))

    @property
    def dialect(self) -> Dialect:
        """SQL dialect."""
        return "postgresql"

    @property
    def place(self) -> str:
        """Name and host of the database, without credentials."""
        return f"{self._name} on {self._host}"

    def connect(self, *, read_only: bool = False, overwrite_deleted: bool = False) -> "PostgresqlConnection":
        """Open a connection; `overwrite_deleted` is ignored: deleted rows stay until the next vacuum."""
        del overwrite_deleted
        options = "-c default_transaction_read_only=on" if read_only else ""
        try:
            driver = psycopg.connect(
                make_conninfo(self.address, options=f"-c lock_timeout={BUSY_SECONDS}s {options}"),
                autocommit=True,
            )
        except psycopg.Error as error:
            raise self.error(error) from error
        return PostgresqlConnection(self, driver)

    def back_up(self, suffix: str) -> str:
        """Copy the database, which must have no other open connections, to a backup on the same server."""
        first = f"{self._name}.{suffix}"
        names = (first if number == 1 else f"{first}-{number}" for number in count(1))
        try:
            with closing(psycopg.connect(self.address, dbname="postgres", autocommit=True)) as driver:
                taken = {name for (name,) in driver.execute("select datname from pg_database")}
                copy = next(name for name in names if name not in taken)
                statement = sql.SQL("create database {} template {}")
                driver.execute(statement.format(sql.Identifier(copy), sql.Identifier(self._name)))
        except psycopg.Error as error:
            raise self.error(error) from error
        return f"{copy} on {self._host}"

    def driver_connection(self) -> object:
        """Return a connection of the underlying driver."""
        return psycopg.connect(self.address)

    def error(self, error: psycopg.Error) -> DomainError | StatementError:
        """Return the port's error for a driver error."""
        text = " ".join(str(error).split())
        if isinstance(error, _DAMAGED):
            return DamagedError(self.place, text)
        if isinstance(error, _STATEMENT_ERRORS):
            return StatementError(f"{type(error).__name__}: {text}")
        return StorageError(self._service, self.place, text, full=isinstance(error, _FULL))


class _TextDumper(StrDumperUnknown):
    """Dumper of text parameters that replaces NUL, which PostgreSQL cannot store, with U+FFFD."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\ufffd"))


class PostgresqlRows:
    """Result of a statement, held in full by the driver."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: psycopg.Cursor[Row]) -> None:
        self._cursor = cursor

    def __iter__(self) -> Iterator[Row]:
        """Yield each row."""
        return iter(self._cursor)

    def first(self) -> Row | None:
        """Return the next row; None if there are no more rows."""
        return self._cursor.fetchone()

    def all(self) -> list[Row]:
        """Return all remaining rows."""
        return self._cursor.fetchall()


class PostgresqlConnection:
    """Connection to a server."""

    def __init__(self, engine: PostgresqlEngine, driver: psycopg.Connection[Row]) -> None:
        self._engine = engine
        self._driver = driver
        driver.adapters.register_dumper(str, _TextDumper)
        self._types: dict[str, list[int]] = {}

    def execute(self, statement: str, values: Values = ()) -> PostgresqlRows:
        """Execute a statement."""
        try:
            return PostgresqlRows(self._driver.execute(translated(statement), values))
        except psycopg.Error as error:
            raise self._engine.error(error) from error

    def execute_many(self, statement: str, rows: Iterable[Values]) -> None:
        """Execute a statement once for each of `rows`; use COPY for many new rows."""
        remaining = iter(rows)
        some = list(islice(remaining, COPIED_ROWS))
        insert = _INSERT.fullmatch(statement) if len(some) == COPIED_ROWS else None
        try:
            with self._driver.cursor() as cursor:
                if insert is None:
                    cursor.executemany(translated(statement), [*some, *remaining])
                else:
                    self._copy(cursor, insert[1], insert[2], [*some, *remaining])
        except psycopg.Error as error:
            raise self._engine.error(error) from error

    def _copy(self, cursor: psycopg.Cursor[Row], table: str, columns: str, rows: Iterable[Values]) -> None:
        text = f"copy {table} ({columns}) from stdin (format binary)"
        if text not in self._types:
            # Binary COPY sends values in the types of the columns, so read these from an empty result.
            query = f"select {columns} from {table} limit 0"  # noqa: S608 (names of the statement)
            found = cursor.execute(query.encode()).description or ()
            self._types[text] = [column.type_code for column in found]
        with cursor.copy(text.encode()) as copy:
            copy.set_types(self._types[text])
            for row in rows:
                copy.write_row(_by_position(row))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in a durable transaction; an advisory lock excludes other writers."""
        with self._block(f"begin; select pg_advisory_xact_lock({_WRITER_LOCK})", "commit"):
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Run the block in a read transaction: all reads see the same state of the database."""
        with self._block("begin isolation level repeatable read read only", "rollback"):
            yield

    @contextmanager
    def _block(self, begin: str, end: str) -> Iterator[None]:
        driver = self._driver
        try:
            driver.execute(begin.encode())
            yield
            driver.execute(end.encode())
        except BaseException as error:
            with suppress(psycopg.Error):
                if driver.info.transaction_status is not TransactionStatus.IDLE:
                    driver.rollback()
            if isinstance(error, psycopg.Error):
                raise self._engine.error(error) from error
            raise

    def columns(self) -> set[str]:
        """Return all columns of all tables."""
        found = self.execute(
            "select table_name || '.' || column_name from information_schema.columns"
            " where table_schema = current_schema()"
        )
        return {name for (name,) in found}

    def replaced(self) -> bool:
        """Return False: a server closes the connections to a dropped database."""
        return False

    def checkpoint(self) -> None:
        """Do nothing: the server manages its write-ahead log."""

    def close(self) -> None:
        """Close the connection."""
        self._driver.close()


@cache
def translated(statement: str) -> bytes:
    """Return a statement in the syntax of this driver: its parameters, lists and cross joins are translated.

    In SQLite, `cross join … on` fixes the join order; PostgreSQL uses a plain join instead.
    """

    def replaced(match: re.Match[str]) -> str:
        if match["text"]:
            return match["text"].replace("%", "%%")
        if match["list"]:
            return f"json_array_elements_text(cast({parameter(match['list'])} as json)) json_each(value)"
        if match["name"] or match["mark"]:
            return parameter(match[0])
        return "%%" if match["percent"] else "join"

    def parameter(text: str) -> str:
        return "%s" if text == "?" else f"%({text[1:]})s"

    return _TOKENS.sub(replaced, statement).encode()


def _by_position(row: Values) -> Sequence[Value]:
    assert not isinstance(row, Mapping)
    return row
