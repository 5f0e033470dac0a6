"""Lock on a data folder, held by one process at a time; the lock file contains its pid."""

import os
from pathlib import Path

from sweepd import file_lock
from sweepd.private_files import make_folder
from sweepd_kernel.errors import StartError

LOCK_NAME = "lock"
# Seconds; a killed process may take some time to release the lock.
PATIENCE = 2.0


class DataInUseError(StartError):
    """Another process uses the same data folder."""


class DataFolderLock:
    """Lock on a data folder, held until it is released or the process ends, even if killed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock; in a forked child, close only its descriptor, as the parent keeps the lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def lock_data_folder(path: Path, *, patience: float = PATIENCE) -> DataFolderLock:
    """Lock the folder `path`, created if missing, and write this process's pid to the lock file.

    Args:
        path: data folder.
        patience: seconds to wait for another holder to release the lock.

    Raises:
        DataInUseError: another process holds the lock.
        OSError: the folder cannot be created, written or locked.
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
    """Return the pid of the holder of a folder's lock; None if the lock is free or its file has no pid."""
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
