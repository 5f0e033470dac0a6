"""Values that are no numbers: which become files of the run, and what stands for them in its rows."""

import itertools
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from sweepd.folders import make_folder

_serials = itertools.count()
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the file of a value goes: below `files`, named by its key, its step and its place in a list."""

    files: Path
    key: str
    step: int | None
    number: int = 0

    @property
    def stem(self) -> str:
        """The key as a part of a file's name."""
        return _UNFIT.sub("-", self.key).strip("-.")[:100] or "value"

    @contextmanager
    def fresh(self, folder: str, suffix: str) -> Iterator[Path]:
        """Give the path of a new file, its folder made; it is removed again if it cannot be filled."""
        path = self._claimed(folder, suffix)
        try:
            yield path
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _claimed(self, folder: str, suffix: str) -> Path:
        """Make an empty file that no other value has: neither of this process nor of those beside it."""
        parent = self.files / folder
        make_folder(parent)
        # Processes that count no steps log under the same key again and again.
        mark = f"{os.getpid()}-{next(_serials)}" if self.step is None else str(self.step)
        path, serial = parent / f"{self.stem}_{mark}_{self.number}{suffix}", 0
        while True:
            try:
                path.touch(exist_ok=False)
            except FileExistsError:  # the same key twice in a step, or several processes that count
                serial += 1
                path = parent / f"{self.stem}_{mark}_{self.number}.{serial}{suffix}"
            else:
                return path


@runtime_checkable
class Storable(Protocol):
    """Media, a table: what can be a file of the run."""

    def store(self, place: Place) -> Path:
        """Write the file and return its path."""


def is_file(path: str | Path) -> bool:
    """Tell whether there is a file; a text that can be no path is none."""
    try:
        return Path(path).is_file()
    except OSError:  # it is too long
        return False


def copy(source: Path, target: Path) -> None:
    """Copy a file with its times, unless it is the same one.

    Raises:
        OSError: one cannot be read or the other not written.
    """
    import shutil  # loads every kind of archive; most scripts copy nothing

    with suppress(shutil.SameFileError):
        shutil.copy2(source, target)


def keep_value(files: Path | None, key: str, value: object, step: int | None) -> object:
    """Keep a value as a file; return the file's path within the files of the run, or a list of several.

    A list of one is kept as its one value: a row can hold a path, and no list.

    Args:
        files: their folder; None: nothing is kept.
        key: what it was logged as.
        value: the value.
        step: its step, if there is one.

    Raises:
        TypeError: it cannot be kept.
    """
    if isinstance(value, Storable):
        return _stored(files, value, key, step, 0)
    if isinstance(value, list | tuple) and value and all(isinstance(each, Storable) for each in value):
        paths = [_stored(files, each, key, step, number) for number, each in enumerate(value)]
        return paths[0] if len(paths) == 1 else paths
    from sweepd.script.media.foreign import recognised  # seldom needed

    known = recognised(value)
    if known is None:
        detail = f"{len(value)} items" if isinstance(value, Sequence) else "neither a number nor media"
        raise TypeError(f"{type(value).__name__}: {detail}")
    return _stored(files, known, key, step, 0)


def _stored(files: Path | None, value: object, key: str, step: int | None, number: int) -> object:
    if files is None:
        return None
    assert isinstance(value, Storable)
    try:
        return str(value.store(Place(files, key, step, number)).relative_to(files))
    except Exception as error:  # whatever an encoder says, the training goes on
        raise TypeError(f"{type(value).__name__}: {error}") from error
