"""A folder that its holder shares with the processes of its runs, and that ends with the holder."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sweepd.private_files import make_folder
from sweepd.rpc.discovery import state_folder

_LOCK = "lock"


@contextmanager
def private_folder(environ: Mapping[str, str]) -> Iterator[Path]:
    """Make a folder that only this account can read, and remove it at the end.

    A holder that is killed removes nothing, so the next one does: whose lock is free is gone.
    """
    parent = state_folder(environ).absolute() / "functions"
    make_folder(parent)
    with _locked(parent / _LOCK):
        _remove_abandoned(parent)
        path = Path(tempfile.mkdtemp(dir=parent))
        held = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(held)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.iterdir():
        if folder.is_dir() and not _is_held(folder / _LOCK):
            shutil.rmtree(folder, ignore_errors=True)


def _is_held(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
