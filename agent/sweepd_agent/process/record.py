"""Small files that the supervisor shares with an agent: records replaced as a whole, and locks."""

import errno
import fcntl
import os
import stat
import struct
from collections.abc import Mapping

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SAFELY = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_BYTES = 1024 * 1024


def write_record(path: str, values: Mapping[str, str | int | float], *, sync: bool = False) -> None:
    """Replace the record at `path`; a reader sees the old one or the new one.

    Args:
        path: of the record.
        values: all of it.
        sync: whether it is to survive the end of the machine, once this returns.
    """
    fresh = f"{path}.{os.getpid()}"
    try:  # noqa: SIM105 -- contextlib takes longer to load than this takes
        os.unlink(fresh)  # noqa: PTH108 -- pathlib is a third of the start
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
    except IsADirectoryError:  # what is in it may be the script's
        os.rename(path, f"{path}.{os.urandom(8).hex()}")  # noqa: PTH104
        os.replace(fresh, path)  # noqa: PTH105
    if sync:
        _sync_folder(path.rpartition("/")[0])


def read_record(path: str) -> dict[str, str] | None:
    """Return the record at `path`; None if there is none, or only what a power failure has left of one."""
    try:
        descriptor = os.open(path, _SAFELY)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.ENXIO}:
            return None
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        lines = file.read(_MOST_BYTES).decode("ascii", "replace").splitlines()
    pairs = [line.partition(" ") for line in lines]
    if not pairs or not all(name.isidentifier() for name, _, _ in pairs):
        return None
    return {
        name: value.encode("ascii", "replace").decode("unicode_escape", "replace") for name, _, value in pairs
    }


def whole_number(record: Mapping[str, str], name: str) -> int | None:
    """Return a whole number of a record; None if it has none of that name."""
    text = record.get(name, "")
    return int(text) if text.isascii() and text.removeprefix("-").isdecimal() else None


def number(record: Mapping[str, str], name: str) -> float:
    """Return a number of a record; 0 if it has none of that name."""
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
