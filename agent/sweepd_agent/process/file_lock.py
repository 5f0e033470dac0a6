"""Locks on files that end with their holder, and can be looked at without being taken."""

import fcntl
import os
import struct

# struct flock of 64-bit Linux: type, whence, start, length, pid. Locks of an open file description do not
# end when another descriptor of the same file is closed, as older record locks do.
_FLOCK = "hhqqi4x"


def try_lock(path: str) -> int | None:
    """Lock the file at `path`, which is made if need be.

    Returns: a descriptor that holds the lock until it is closed; None if somebody else holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    except (BlockingIOError, PermissionError):
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_locked(descriptor: int) -> bool:
    """True if somebody holds the lock of a file that was opened here; does not touch it."""
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    answer: tuple[int, ...] = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))
    return answer[0] != fcntl.F_UNLCK
