"""Lock of a run folder: one process holds it, and forked children do not inherit it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK_FILE = "script.lock"
_RETRY_SECONDS, _TRIES = 0.01, 200

# Descriptors and the identities of their files: a program may close all descriptors and reuse the numbers.
_held: dict[int, tuple[int, int]] = {}


class FolderLock:
    """Lock that is held until it is released or the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock; further calls do nothing."""
        # Unlock explicitly: a child forked just now shares the descriptor, so closing it would not suffice.
        _close(self._descriptor, unlock=True)
        self._descriptor = -1


def try_lock(folder: Path) -> FolderLock | None:
    """Lock a folder; return None while it is locked. On a file system without locks this always succeeds.

    Raises:
        OSError: the folder cannot be written.
    """
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        pass  # no locks on this file system
    _held[descriptor] = _identity(descriptor)
    return FolderLock(descriptor)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Serialise short operations on a folder between processes; wait for at most two seconds.

    Raises:
        OSError: the folder cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for _ in range(_TRIES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_RETRY_SECONDS)
                continue
            except OSError:
                pass  # no locks on this file system
            break
        yield
    finally:
        os.close(descriptor)


def _close(descriptor: int, *, unlock: bool) -> None:
    opened_for = _held.pop(descriptor, None)
    if opened_for is not None and opened_for == _identity(descriptor):
        if unlock:
            with suppress(OSError):  # no locks on this file system
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _identity(descriptor: int) -> tuple[int, int]:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return (-1, -1)
    return (status.st_dev, status.st_ino)


def _drop_in_child() -> None:
    for descriptor in list(_held):
        _close(descriptor, unlock=False)


os.register_at_fork(after_in_child=_drop_in_child)
