"""How a service opens its SQLite database, and what callers are told when it cannot be used."""

import errno
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

from sweepd_kernel.errors import DamagedError, DomainError, StorageError

ROOM = 64 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT)
_DAMAGED = {
    sqlite3.SQLITE_CORRUPT: "pages of it cannot be read",
    sqlite3.SQLITE_NOTADB: "it is not a database",
}
_NO_TABLES = "no such table"
_NO_TEXT = "Could not decode to UTF-8"

DEFECTS = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    sqlite3.NotSupportedError,
)
"""Faults of a statement or of its values, not of the disk: to try it again would not help."""


def open_sqlite(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the database at `path`: WAL, every commit on disk, transactions begun by the caller in words.

    The connection may be used from another thread than the one that opened it, by one at a time.

    Raises:
        sqlite3.Error: it cannot be opened; see `storage_error`.
    """
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=5.0,
    )
    try:
        if not read_only:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
        connection.execute("pragma busy_timeout = 5000")
        connection.execute("pragma foreign_keys = on")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def close_whole(connection: sqlite3.Connection) -> None:
    """Close a writer's connection so that the file alone holds all of the database, if nobody is reading it.

    SQLite does so when the last connection is closed, but not where that is a reader's. Whoever then copies
    the file without its `-wal` has lost the newest commits, or all of them.
    """
    with suppress(sqlite3.Error):
        connection.execute("pragma busy_timeout = 0")
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    connection.close()


def storage_error(error: Exception, service: str, place: Path | str) -> DomainError:
    """What a caller is told when `service` could not use `place`, whichever layer noticed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            why = cause.strerror or str(cause)
            return StorageError(service, str(place), why, full=cause.errno in _FULL)
        if isinstance(cause, sqlite3.Error):
            return _sqlite_error(cause, service, place)
        cause = getattr(cause, "orig", None) or cause.__cause__  # `orig`: as SQLAlchemy wraps it
    return StorageError(service, str(place), str(error))


def damage_of(error: Exception) -> str:
    """Say in what way an error shows that a database is damaged; empty: it does not."""
    if not isinstance(error, sqlite3.Error):
        return ""
    if str(error).startswith(_NO_TABLES):  # every table is there once a database is open
        return "its tables are gone"
    if str(error).startswith(_NO_TEXT):
        return "a text in it is not UTF-8"
    return _DAMAGED.get(_code(error), "")


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _sqlite_error(error: sqlite3.Error, service: str, place: Path | str) -> DomainError:
    if damage := damage_of(error):
        return DamagedError(str(place), f"{damage} ({error})")
    code = _code(error)
    # Where SQLite cannot grow the file that it maps into memory, it speaks of an input error.
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and not _has_room(Path(place))):
        return StorageError(service, str(place), "no space left on the device", full=True)
    name = getattr(error, "sqlite_errorname", "")  # tells a failed write from a failed sync or lock
    return StorageError(service, str(place), f"{error} ({name})" if name else str(error))


def _has_room(place: Path) -> bool:
    folder = place if place.is_dir() else place.parent
    try:
        return shutil.disk_usage(folder).free > ROOM
    except OSError:
        return True
