"""Small files shared by supervisor and agent: records, which are replaced atomically, and locks."""

import errno
import fcntl
import os
import stat
import struct
from collections.abc import Mapping

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SAFELY = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_BYTES = 1024 * 1024


def write_record(path: str, values: Mapping[str, str | int | float], *, sync: bool = False) -> None:
    """Replace the record at `path` atomically.

    Args:
        path: path of the record.
        values: all values of the record.
        sync: whether the record must survive a power failure once this returns.
    """
    fresh = f"{path}.{os.getpid()}"
    try:  # noqa: SIM105 -- contextlib is slow to import
        os.unlink(fresh)  # noqa: PTH108 -- pathlib would take a third of the start-up time
    except FileNotFoundError:
        pass
    lines = (f"{name} {_as_text(value)}\n" for name, value in values.items())
    with os.fdopen(os.open(fresh, _NEW, 0o600), "wb") as file:
        file.write("".join(lines).encode("ascii"))
        file.flush()
        if sync:
            os.fdatasync(file.fileno())
    try:
        os.replace(fresh, path)  # noqa: PTH105
    except IsADirectoryError:  # its content may belong to the script
        os.rename(path, f"{path}.{os.urandom(8).hex()}")  # noqa: PTH104
        os.replace(fresh, path)  # noqa: PTH105
    if sync:
        _sync_folder(path.rpartition("/")[0])


def read_record(path: str) -> dict[str, str] | None:
    """Return the record at `path`; None if there is no record or a power failure left it incomplete."""
    try:
        descriptor = os.open(path, _SAFELY)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.ENXIO}:
            return None
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        lines = file.read(_MAX_BYTES).decode("ascii", "replace").splitlines()
    pairs = [line.partition(" ") for line in lines]
    if not pairs or not all(name.isidentifier() for name, _, _ in pairs):
        return None
    return {
        name: value.encode("ascii", "replace").decode("unicode_escape", "replace") for name, _, value in pairs
    }


def whole_number(record: Mapping[str, str], name: str) -> int | None:
    """Return the value of `name` in a record as an integer; None if missing or not an integer."""
    text = record.get(name, "")
    return int(text) if text.isascii() and text.removeprefix("-").isdecimal() else None


def number(record: Mapping[str, str], name: str) -> float:
    """Return the value of `name` in a record as a float; 0 if missing or not a number."""
    try:
        return float(record.get(name, ""))
    except ValueError:
        return 0.0


def _as_text(value: str | float) -> str:
    return str(value).encode("unicode_escape").decode("ascii")


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# struct flock of 64-bit Linux: type, whence, start, length, pid. Unlike older record locks, locks of an open
# file description are not released when another descriptor of the same file is closed.
_FLOCK = "hhqqi4x"


def try_lock(path: str) -> int | None:
    """Lock the file at `path`; create it if it does not exist.

    Returns: a descriptor that holds the lock until closed; None if another process holds the lock.
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
    """True if another open file description holds the lock of an open file; does not take the lock."""
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    answer: tuple[int, ...] = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))
    return answer[0] != fcntl.F_UNLCK
