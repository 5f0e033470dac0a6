"""Lock of a data folder: one process works on it, and others learn which."""

import os
from pathlib import Path

from sweepd import file_lock
from sweepd.private_files import make_folder
from sweepd_kernel.errors import StartError

LOCK_NAME = "lock"
# A process that was killed may take some time to release it.
PATIENCE = 2.0


class DataInUseError(StartError):
    """Another process works on the same data."""


class DataFolderLock:
    """Lock on a data folder, held until it is released or the process ends, whatever its end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the folder; in a forked child only its own share, as the parent's hold stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def lock_data_folder(path: Path, *, patience: float = PATIENCE) -> DataFolderLock:
    """Lock the folder `path` for this process, and make it if need be; the lock names our pid.

    Args:
        path: the folder.
        patience: seconds to wait for a holder that is about to end.

    Raises:
        DataInUseError: another process holds it.
        OSError: the folder cannot be made or written.
    """
    make_folder(path)
    descriptor = file_lock.open_lock(path / LOCK_NAME)
    try:
        if not file_lock.lock(descriptor, patience=patience):
            raise DataInUseError(f"{path} is in use by process {_written_pid(descriptor) or '(unknown)'}")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return DataFolderLock(descriptor)


def holder_of(path: Path) -> int | None:
    """Return the pid of the process that holds the folder `path`; None if there is none."""
    try:
        descriptor = os.open(path / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _written_pid(descriptor) if file_lock.is_locked(descriptor) else None
    finally:
        os.close(descriptor)


def _written_pid(descriptor: int) -> int | None:
    try:
        return int(os.pread(descriptor, 32, 0))
    except ValueError:
        return None
