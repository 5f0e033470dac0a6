"""Folders and files that only this account can access, with any umask; atomic replacement of files."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OWNER_ONLY = 0o700
_serials = itertools.count()


def make_folder(path: Path, *, exist_ok: bool = True) -> None:
    """Create a folder and its missing parents, each with mode 0700.

    `Path.mkdir(parents=True, mode=…)` applies the mode only to the last folder; its parents would get the
    default mode, world-writable if the umask is 000. An existing folder is left unchanged.

    Raises:
        FileExistsError: the path exists and `exist_ok` is false, or it is not a folder.
        OSError: the folder cannot be created.
    """
    try:
        path.mkdir(mode=_OWNER_ONLY)
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent)
        make_folder(path, exist_ok=exist_ok)
    except OSError:  # for an existing folder, a read-only file system may report any error
        if not (exist_ok and path.is_dir()):
            raise


def replace_file(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Replace `path` atomically, so that a reader sees either the old or the new content.

    Raises:
        OSError: the file cannot be written; the old content stays.
    """
    with _drafted(path, text, mode) as draft:
        draft.replace(path)


def create_file(path: Path, text: str) -> None:
    """Create `path` with its content atomically; of concurrent processes, only one succeeds.

    Raises:
        FileExistsError: the file already exists.
        OSError: the file cannot be written.
    """
    with _drafted(path, text, 0o600) as draft:
        # Unlike a rename, a link fails if another process was faster.
        os.link(draft, path)


@contextmanager
def _drafted(path: Path, text: str, mode: int) -> Iterator[Path]:
    """Yield a temporary file with the text, next to `path`; remove it at the end unless it was renamed."""
    # A separate draft for each writer, because threads and signal handlers write the same files.
    draft = path.with_name(f".{path.name}.{os.getpid()}.{next(_serials)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        yield draft
    finally:
        draft.unlink(missing_ok=True)
