"""A lock on the folder of a run: one process has it, and children that it forks have no part in it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK_FILE = "script.lock"
_LOOK_AGAIN, _LOOKS = 0.01, 200

# Descriptors with the files that they were opened for: a program may close them all behind our back.
_held: dict[int, tuple[int, int]] = {}


class FolderLock:
    """Held from its making until it is released, or the process ends in whatever way."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the folder back; further calls do nothing."""
        # Said aloud: a child forked just now has the descriptor, too, and closing it here would not end it.
        _close(self._descriptor, unlock=True)
        self._descriptor = -1


def try_lock(folder: Path) -> FolderLock | None:
    """Lock a folder; None while somebody has it. Where the file system has no locks, everybody gets it.

    Raises:
        OSError: nothing can be written there.
    """
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        pass  # there are no locks
    _held[descriptor] = _identity(descriptor)
    return FolderLock(descriptor)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Keep others who do this to the same folder waiting, for two seconds at most: it takes a moment.

    Raises:
        OSError: the folder cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for _ in range(_LOOKS):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_LOOK_AGAIN)
                continue
            except OSError:
                pass  # there are no locks
            break
        yield
    finally:
        os.close(descriptor)


def _close(descriptor: int, *, unlock: bool) -> None:
    opened_for = _held.pop(descriptor, None)
    if opened_for is not None and opened_for == _identity(descriptor):
        if unlock:
            with suppress(OSError):  # where there are no locks
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _identity(descriptor: int) -> tuple[int, int]:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return (-1, -1)
    return (status.st_dev, status.st_ino)


def _leave_to_parent() -> None:
    for descriptor in list(_held):
        _close(descriptor, unlock=False)


os.register_at_fork(after_in_child=_leave_to_parent)
