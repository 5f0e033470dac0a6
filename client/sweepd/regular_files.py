"""Safe access to files in untrusted folders: only regular files inside the folder are opened.

A script may create a FIFO, a device, a socket or a link where its agent expects a file. Opening one of the
first three can block forever; a link may lead to a file that the script itself is not allowed to access. Hard
links are treated as files, because the system prevents linking a file without write permission.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

Name = str | os.PathLike[str]
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
}


class IrregularFileError(OSError):
    """The path is not a regular file; `strerror` has the type of the file."""

    def __init__(self, what: str, path: Name) -> None:
        super().__init__(errno.EINVAL, f"it is {what}, not a regular file", os.fspath(path))


def open_regular(path: Name, flags: int = os.O_RDONLY, *, mode: int = 0o600) -> int:
    """Open a regular file anywhere, following links; return its descriptor.

    Raises:
        IrregularFileError: the path is not a regular file.
        OSError: the file cannot be opened.
    """
    return _opened(path, flags, mode, None, path)


def open_inside(folder: Name, name: str, flags: int = os.O_RDONLY, *, mode: int = 0o600) -> int:
    """Open a regular file inside a folder, following no link; return its descriptor.

    Args:
        folder: path of the folder, which must not be a link either.
        name: path of the file relative to the folder.
        flags: flags of `os.open`.
        mode: mode of a file that is created.

    Raises:
        IrregularFileError: the path is not a regular file.
        OSError: the file cannot be opened.
    """
    with _parent_of(folder, name) as (parent, last):
        return _opened(last, flags | os.O_NOFOLLOW, mode, parent, f"{os.fspath(folder)}/{name}")


def read_inside(folder: Name, name: str, *, limit: int) -> bytes:
    """Return the content of a regular file inside a folder; raise the errors of `open_inside`.

    Raises:
        OSError: also if the file has more than `limit` bytes.
    """
    with os.fdopen(open_inside(folder, name), "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit // 1024} KiB", f"{os.fspath(folder)}/{name}")
    return content


def write_inside(folder: Name, name: str, content: bytes, *, sync: bool = False) -> None:
    """Replace a file inside a folder atomically; an existing file is replaced, never written to.

    A folder with this name is moved aside, because its content may belong to the script.

    Args:
        folder: path of the folder, which must not be a link either.
        name: path of the file relative to the folder.
        content: new content.
        sync: whether to sync file and folder to disk before returning.

    Raises:
        OSError: the file cannot be written.
    """
    with _parent_of(folder, name) as (parent, last):
        draft = f".{last}.{os.getpid()}"
        _remove(draft, parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, 0o600, dir_fd=parent), "wb") as file:
            file.write(content)
            file.flush()
            if sync:
                os.fdatasync(file.fileno())
        _replace(draft, last, parent)
        if sync:
            os.fsync(parent)


def sync_inside(folder: Name, name: str) -> None:
    """Sync a regular file inside a folder to disk; do nothing if it is missing or not a regular file."""
    try:
        descriptor = open_inside(folder, name)
    except (FileNotFoundError, IrregularFileError):
        return
    _sync(descriptor)


def sync_folder(path: Name) -> None:
    """Sync a folder, with the names in it, to disk."""
    _sync(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))


def status_inside(folder: Name, name: str) -> os.stat_result:
    """Return the stat result of a regular file inside a folder; raise the errors of `open_inside`."""
    with _parent_of(folder, name) as (parent, last):
        status = os.stat(last, dir_fd=parent, follow_symlinks=False)
    _check(status, f"{os.fspath(folder)}/{name}")
    return status


def entries_inside(folder: Name, name: str) -> list[tuple[str, os.stat_result]]:
    """Return (name, stat result) of each entry of a subfolder, sorted by name, without following links.

    Raises:
        OSError: the folder cannot be listed, or is a link.
    """
    path = f"{os.fspath(folder)}/{name}"
    with _parent_of(folder, name) as (parent, last):
        os.close(_open_folder(last, parent, path))
    # If the folder is replaced now, it is only listed; opening a file checks the whole path again.
    return sorted(_statuses(path), key=lambda entry: entry[0])


def kind_of(status: os.stat_result) -> str:
    """Return the type of file of a stat result as text, such as `a FIFO`."""
    return _KINDS.get(stat.S_IFMT(status.st_mode), "something else")


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _statuses(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                yield entry.name, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # removed meanwhile


@contextmanager
def _parent_of(folder: Name, name: str) -> Iterator[tuple[int, str]]:
    """Yield a descriptor of the parent folder of a file, and the last part of its name."""
    *inner, last = name.split("/")
    path = os.fspath(folder)
    parent = _open_folder(path, None, path)
    try:
        for part in inner:
            path = f"{path}/{part}"
            child = _open_folder(part, parent, path)
            os.close(parent)
            parent = child
        yield parent, last
    finally:
        os.close(parent)


def _open_folder(name: str, parent: int | None, path: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ENOTDIR, errno.ELOOP}:
            raise OSError(errno.ENOTDIR, "it is a symbolic link, or not a folder", path) from error
        raise


def _opened(name: Name, flags: int, mode: int, parent: int | None, path: Name) -> int:
    try:
        descriptor = os.open(name, flags | _FILE, mode, dir_fd=parent)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise IrregularFileError("a symbolic link", path) from error
        if error.errno in {errno.ENXIO, errno.ENODEV}:
            raise IrregularFileError("a FIFO, a socket or a device", path) from error
        raise
    try:
        _check(os.fstat(descriptor), path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check(status: os.stat_result, path: Name) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise IrregularFileError(kind_of(status), path)


def _replace(draft: str, name: str, parent: int) -> None:
    try:
        os.replace(draft, name, src_dir_fd=parent, dst_dir_fd=parent)
    except IsADirectoryError:
        os.rename(name, f".{name}.{os.urandom(8).hex()}", src_dir_fd=parent, dst_dir_fd=parent)
        os.replace(draft, name, src_dir_fd=parent, dst_dir_fd=parent)


def _remove(name: str, parent: int) -> None:
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return
