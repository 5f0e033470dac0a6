"""Lock of a run folder: one process holds it, and forked children do not inherit it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sweepd import file_lock

LOCK_FILE = "script.lock"
_PATIENCE = 2.0

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
    descriptor = file_lock.open_lock(folder / LOCK_FILE, mode=0o644)
    with suppress(OSError):  # no locks on this file system
        if not file_lock.lock(descriptor):
            os.close(descriptor)
            return None
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
        with suppress(OSError):  # no locks on this file system
            file_lock.lock(descriptor, patience=_PATIENCE)
        yield
    finally:
        os.close(descriptor)


def _close(descriptor: int, *, unlock: bool) -> None:
    opened_for = _held.pop(descriptor, None)
    if opened_for is not None and opened_for == _identity(descriptor):
        if unlock:
            with suppress(OSError):  # no locks on this file system
                file_lock.unlock(descriptor)
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
