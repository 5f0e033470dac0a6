"""Temporary folder that a process shares with the processes of its runs."""

import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sweepd import file_lock
from sweepd.private_files import make_folder
from sweepd.rpc.discovery import state_folder

_LOCK = "lock"


@contextmanager
def private_folder(environ: Mapping[str, str]) -> Iterator[Path]:
    """Create a folder that only this account can read, and remove it at the end.

    Folders of killed owners, whose locks are free, are removed by the next one.
    """
    parent = state_folder(environ).absolute() / "functions"
    make_folder(parent)
    with _locked(parent / _LOCK):
        _remove_abandoned(parent)
        path = Path(tempfile.mkdtemp(dir=parent))
        held = file_lock.open_lock(path / _LOCK)
        file_lock.lock(held)
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
        return file_lock.is_locked(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    descriptor = file_lock.open_lock(file)
    try:
        file_lock.lock(descriptor, patience=math.inf)
        yield
    finally:
        os.close(descriptor)
