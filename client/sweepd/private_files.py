"""Folders and files for this account alone, whatever the umask; files are replaced as a whole."""

import itertools
import os
from pathlib import Path

_OWNER_ONLY = 0o700
_serials = itertools.count()


def make_folder(path: Path, *, exist_ok: bool = True) -> None:
    """Make a folder, and those above it that are missing, each with mode 0700.

    `Path.mkdir(parents=True, mode=…)` gives its mode to the last one alone; the others are as the umask
    leaves them, writable by everybody where that is 000. A folder that exists stays as it is.

    Raises:
        FileExistsError: it exists and must not, or is not a folder.
        OSError: it cannot be made.
    """
    try:
        path.mkdir(mode=_OWNER_ONLY)
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent)
        make_folder(path, exist_ok=exist_ok)
    except OSError:  # of a folder that exists, a read-only file system may say anything
        if not (exist_ok and path.is_dir()):
            raise


def replace_file(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Replace `path`, so that a reader sees the old content or the new one whole.

    Raises:
        OSError: it cannot be written; the old content stays.
    """
    draft = _draft(path)
    try:
        _write(draft, text, mode)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def create_file(path: Path, text: str) -> None:
    """Create `path` with its content; of processes that do so at the same time one succeeds.

    Raises:
        FileExistsError: it exists already.
        OSError: it cannot be written.
    """
    draft = _draft(path)
    try:
        _write(draft, text, 0o600)
        # Unlike a rename, a link fails where another process was faster.
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    # No two writers share one: threads and signal handlers write the same files.
    return path.with_name(f".{path.name}.{os.getpid()}.{next(_serials)}")


def _write(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
