"""Locks on files and folders, held until the descriptor is closed or the holder ends.

Forked children share the lock. The agent has a copy of this code, as its supervisor imports no other package.
"""

import fcntl
import os
import time

_RETRY_SECONDS = 0.01


def open_lock(path: str | os.PathLike[str], *, mode: int = 0o600) -> int:
    """Open a file to be locked, creating it if necessary, and return its descriptor."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)


def lock(descriptor: int, *, patience: float = 0.0) -> bool:
    """Lock an open file or folder; return False if another holder keeps the lock for `patience` seconds.

    Raises:
        OSError: the file system does not support locks.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_RETRY_SECONDS)
        else:
            return True


def unlock(descriptor: int) -> None:
    """Release the lock, also for child processes that share the descriptor."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_locked(descriptor: int) -> bool:
    """Return True if another holder has locked the file; the descriptor must not hold the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    unlock(descriptor)
    return False
