"""Port of a database, which `sqlite.py` and `postgresql.py` implement.

One portable text serves both. Its parameters are `?` or `:name`; an engine translates them once for each
text. A list is one parameter, a JSON array: `number in (select cast(value as bigint) from json_each(?))`.
"""

import errno
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, TypeAlias

from sweepd_kernel.errors import StorageError

Dialect: TypeAlias = Literal["sqlite", "postgresql"]

Value: TypeAlias = bool | int | float | str | bytes | None
"""Value of a column. Integers have 64 bits with a sign; floats are finite, as SQLite stores NaN as null."""

Values: TypeAlias = Sequence[Value] | Mapping[str, Value]
"""Parameters of a statement, by place or by name."""

Row: TypeAlias = tuple[Any, ...]
"""A row as the driver returns it. On SQLite a boolean is 0 or 1; the generated readers convert it."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


class StatementError(Exception):
    """A statement or its values are at fault, not the disk: trying again would not help."""


class Rows(Protocol):
    """Result of a statement; it can be read once."""

    def __iter__(self) -> Iterator[Row]:
        """Yield each row as it is read."""

    def first(self) -> Row | None:
        """Return the next row; None if there is none."""

    def all(self) -> list[Row]:
        """Return all rows that are left."""


class Connection(Protocol):
    """Connection to a database; may be used from any thread, by one at a time.

    A statement outside of a transaction is a transaction of its own. Every call, and reading of rows, may
    raise StorageError (nothing was stored; the database may come back), DamagedError (what is read is
    damaged), or StatementError.
    """

    def execute(self, statement: str, values: Values = ()) -> Rows:
        """Execute a statement."""

    def execute_many(self, statement: str, rows: Iterable[Values]) -> None:
        """Execute a statement once for each of `rows`."""

    def transaction(self) -> AbstractContextManager[None]:
        """Store all that is written within durably, or nothing; keep other writers out meanwhile."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Let all reads within see the same state of the database."""

    def columns(self) -> set[str]:
        """Return all columns of all tables, as `run.number`."""

    def replaced(self) -> bool:
        """Return whether something else stands in the place of the database: what is written now is lost."""

    def checkpoint(self) -> None:
        """Remove what was deleted from the log of changes too; what is busy stays for the next time."""

    def close(self) -> None:
        """Close the connection; a writer's leaves the database whole for those who copy it."""


class Engine(Protocol):
    """A database that can be opened."""

    @property
    def dialect(self) -> Dialect:
        """The dialect of SQL, for statements that are not portable."""

    @property
    def place(self) -> str:
        """The name of the database for people."""

    def connect(self, *, read_only: bool = False, overwrite_deleted: bool = False) -> Connection:
        """Open a connection; `overwrite_deleted`: of what is deleted nothing stays behind.

        Raises:
            StorageError: it cannot be opened.
            DamagedError: it is damaged.
        """

    def copy_aside(self, suffix: str) -> str:
        """Copy the database, and return the place of the copy: a new one with `suffix` in its name."""

    def driver_connection(self) -> object:
        """Return a connection of the driver itself, for migrations."""


def storage_error(error: BaseException, service: str, place: str) -> StorageError:
    """Return the error for callers that `service` cannot use `place`."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return StorageError(service, place, cause.strerror or str(cause), full=cause.errno in _FULL)
        cause = cause.__cause__
    return StorageError(service, place, str(error))
