"""Locks on files and folders: held until closed, or until the holder ends in whatever way.

Children that a holder forks share its lock. The agent has its own, as its supervisor loads no other package.
"""

import fcntl
import os
import time

_RETRY_SECONDS = 0.01


def open_lock(path: str | os.PathLike[str], *, mode: int = 0o600) -> int:
    """Open a file to be locked, which is created if it does not exist, and return its descriptor."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)


def lock(descriptor: int, *, patience: float = 0.0) -> bool:
    """Lock an open file or folder; return False if somebody else still holds it after `patience` seconds.

    Raises:
        OSError: its file system has no locks.
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
    """Release the lock, also for children that share the descriptor."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_locked(descriptor: int) -> bool:
    """Return True if another holder has locked a file that was opened here just to look."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    unlock(descriptor)
    return False
