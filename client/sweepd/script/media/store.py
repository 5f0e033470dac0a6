"""Media store: files of a run for values that are not numbers."""

import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from sweepd.private_files import make_folder
from sweepd.script.errors import MissingAttributes, UsageError

_serials = itertools.count()
_INVALID = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class MediaFile:
    """File of one value below `files`, named after the key, the step and the position in a list."""

    files: Path
    key: str
    step: int | None
    number: int = 0

    @property
    def stem(self) -> str:
        """Key of the value, converted to a valid file name."""
        return _INVALID.sub("-", self.key).strip("-.")[:100] or "value"

    @contextmanager
    def new_file(self, folder: str, suffix: str) -> Iterator[Path]:
        """Create the file and its folder and yield the path; remove the file if writing it fails."""
        path = self._create_file(folder, suffix)
        try:
            yield path
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def _create_file(self, folder: str, suffix: str) -> Path:
        """Create an empty file with a name that no other value of this or another process has."""
        parent = self.files / folder
        make_folder(parent)
        # Without a step, the process id and a serial number distinguish the values of a key.
        mark = f"{os.getpid()}-{next(_serials)}" if self.step is None else str(self.step)
        path, serial = parent / f"{self.stem}_{mark}_{self.number}{suffix}", 0
        while True:
            try:
                path.touch(exist_ok=False)
            except FileExistsError:  # a key logged twice in a step, or by two processes
                serial += 1
                path = parent / f"{self.stem}_{mark}_{self.number}.{serial}{suffix}"
            else:
                return path


@runtime_checkable
class Storable(Protocol):
    """Value that can write itself to a file of the run, such as an image or a table."""

    def store(self, target: MediaFile) -> Path:
        """Write the file and return its path."""


class Media(MissingAttributes):
    """Base class of media that are stored as one file: a copy of another file, or bytes."""

    _folder: str
    _suffix: str
    _content: object

    def store(self, target: MediaFile) -> Path:
        """Write the file and return its path."""
        with target.new_file(self._folder, self._suffix) as path:
            self._write(path)
        return path

    def _write(self, path: Path) -> None:
        if isinstance(self._content, Path):
            copy(self._content, path)
        else:
            assert isinstance(self._content, bytes)
            path.write_bytes(self._content)


def existing_file(kind: str, given: object) -> Path | None:
    """Return the path if the argument is text or a path; None for other values.

    Raises:
        UsageError: there is no such file.
    """
    if not isinstance(given, str | Path):
        return None
    if not is_file(given):
        raise UsageError(f"{kind}: the file {given} does not exist")
    return Path(given)


def is_file(path: str | Path) -> bool:
    """Return True if the path is an existing file; False, not an error, for text too long for a path."""
    try:
        return Path(path).is_file()
    except OSError:  # too long for a path
        return False


def copy(source: Path, target: Path) -> None:
    """Copy a file with its times; do nothing if source and target are the same file.

    Raises:
        OSError: `source` cannot be read, or `target` cannot be written.
    """
    import shutil  # imports every archive format; most scripts copy nothing

    with suppress(shutil.SameFileError):
        shutil.copy2(source, target)
