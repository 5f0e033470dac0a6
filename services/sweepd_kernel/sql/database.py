"""Port of a database, implemented by `sqlite.py` and `postgresql.py`.

Both execute the same portable SQL with parameters `?` or `:name`, which an engine may have to translate. A
list is one parameter, a JSON array: `number in (select cast(value as bigint) from json_each(?))`.
"""

import errno
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, TypeAlias

from sweepd_kernel.errors import StorageError

Dialect: TypeAlias = Literal["sqlite", "postgresql"]

Value: TypeAlias = bool | int | float | str | bytes | None
"""Value of a column. Integers are signed 64-bit; floats are finite, as SQLite stores NaN as null."""

Values: TypeAlias = Sequence[Value] | Mapping[str, Value]
"""Bind values of a statement, by position or by name."""

Row: TypeAlias = tuple[Any, ...]
"""Row as returned by the driver. On SQLite, a boolean is 0 or 1; the generated readers convert it."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


class StatementError(Exception):
    """A statement or its bind values are invalid, so a retry does not help."""


class Rows(Protocol):
    """Result of a statement; can be read only once."""

    def __iter__(self) -> Iterator[Row]:
        """Yield each row as it is read."""

    def first(self) -> Row | None:
        """Return the next row; None if there are no more rows."""

    def all(self) -> list[Row]:
        """Return all remaining rows."""


class Connection(Protocol):
    """Connection to a database; may be used from any thread, but only by one at a time.

    A statement outside of a transaction is committed at once. Every call, and reading rows, may raise
    StorageError (nothing was stored; a retry may help), DamagedError (stored data is damaged), or
    StatementError.
    """

    def execute(self, statement: str, values: Values = ()) -> Rows:
        """Execute a statement."""

    def execute_many(self, statement: str, rows: Iterable[Values]) -> None:
        """Execute a statement once for each of `rows`."""

    def transaction(self) -> AbstractContextManager[None]:
        """Run the block in a durable transaction that excludes other writers; roll back on an error."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Run the block in a read transaction: all reads see the same state of the database."""

    def columns(self) -> set[str]:
        """Return all columns of all tables, in the form `run.number`."""

    def replaced(self) -> bool:
        """Return True if the database was deleted or replaced, so that writes are lost."""

    def checkpoint(self) -> None:
        """Empty the write-ahead log, which still contains deleted data, except for parts that readers use."""

    def close(self) -> None:
        """Close the connection; the database file can be copied once the writer's connection is closed."""


class Engine(Protocol):
    """Port of a database that can be opened."""

    @property
    def dialect(self) -> Dialect:
        """SQL dialect, for statements that are not portable."""

    @property
    def place(self) -> str:
        """Name of the database in messages."""

    def connect(self, *, read_only: bool = False, overwrite_deleted: bool = False) -> Connection:
        """Open a connection; `overwrite_deleted`: overwrite deleted data with zeros.

        Raises:
            StorageError: the database cannot be opened.
            DamagedError: the database is damaged.
        """

    def back_up(self, suffix: str) -> str:
        """Copy the database to a backup with `suffix` in its name; return the name of the backup."""

    def driver_connection(self) -> object:
        """Return a connection of the underlying driver, for migrations."""


def storage_error(error: BaseException, service: str, place: str) -> StorageError:
    """Return the error that reports to callers that `service` cannot write `place`."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return StorageError(service, place, cause.strerror or str(cause), full=cause.errno in _FULL)
        cause = cause.__cause__
    return StorageError(service, place, str(error))
