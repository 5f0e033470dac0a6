"""How a service opens its SQLite database and keeps others off its data folder."""

import errno
import fcntl
import os
import sqlite3
from pathlib import Path

from sweepd_kernel.errors import DomainError, StartError, StorageError

LOCK_NAME = "lock"
_FULL = (errno.ENOSPC, errno.EDQUOT)


class DataInUseError(StartError):
    """Another process works on the same data."""


class DataFolderLock:
    """Holds a data folder until it is released or the process ends, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others have the folder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def lock_data_folder(path: Path) -> DataFolderLock:
    """Take the folder `path` for this process, making it if need be; the lock names our pid.

    Raises:
        DataInUseError: another process has it.
        OSError: the folder cannot be made or written.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise DataInUseError(f"{path} is in use by process {holder or '(unknown)'}") from None
    except OSError:
        os.close(descriptor)
        raise
    return DataFolderLock(descriptor)


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


def storage_error(error: Exception, service: str, place: Path | str) -> DomainError:
    """What a caller is told when `service` could not use `place`, whichever layer noticed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            why = cause.strerror or str(cause)
            return StorageError(service, str(place), why, full=cause.errno in _FULL)
        if isinstance(cause, sqlite3.Error):
            full = getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
            return StorageError(service, str(place), str(cause), full=full)
        cause = getattr(cause, "orig", None) or cause.__cause__  # `orig`: as SQLAlchemy wraps it
    return StorageError(service, str(place), str(error))
