"""How a process keeps others off its data folder, and learns who holds one."""

import fcntl
import os
import time
from pathlib import Path

from sweepd.private_files import make_folder
from sweepd_kernel.errors import StartError

LOCK_NAME = "lock"
# A process that was killed may take a moment to let go.
PATIENCE = 2.0


class DataInUseError(StartError):
    """Another process works on the same data."""


class DataFolderLock:
    """Holds a data folder until it is released or the process ends, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others have the folder; after a fork: let go of the parent's hold, which stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def lock_data_folder(path: Path, *, patience: float = PATIENCE) -> DataFolderLock:
    """Take the folder `path` for this process, making it if need be; the lock names our pid.

    Args:
        path: the folder.
        patience: seconds to wait for a holder that is about to end.

    Raises:
        DataInUseError: another process has it.
        OSError: the folder cannot be made or written.
    """
    make_folder(path)
    descriptor = os.open(path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, path, time.monotonic() + patience)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return DataFolderLock(descriptor)


def holder_of(path: Path) -> int | None:
    """Pid of the process that holds the folder `path`; None if nobody does."""
    try:
        descriptor = os.open(path / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _written_pid(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = _written_pid(descriptor)
                raise DataInUseError(f"{path} is in use by process {holder or '(unknown)'}") from None
            time.sleep(0.05)
        else:
            return


def _written_pid(descriptor: int) -> int | None:
    try:
        return int(os.pread(descriptor, 32, 0))
    except ValueError:
        return None
