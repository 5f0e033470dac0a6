"""Values that are no numbers: which become files of the run, and what stands for them in its rows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

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

    def path(self, folder: str, suffix: str) -> Path:
        """Return a path that no other value has, its folder made."""
        stem, step = self.stem, "" if self.step is None else f"_{self.step}"
        parent = self.files / folder
        parent.mkdir(parents=True, exist_ok=True)
        path, serial = parent / f"{stem}{step}_{self.number}{suffix}", 0
        while path.exists():  # the same key twice in a step, or processes that count none
            serial += 1
            path = parent / f"{stem}{step}_{self.number}.{serial}{suffix}"
        return path


@runtime_checkable
class Storable(Protocol):
    """Media, a table: what can be a file of the run."""

    def store(self, place: Place) -> Path:
        """Write the file and return its path."""


def copy(source: Path, target: Path) -> None:
    """Copy a file with its times."""
    import shutil  # loads every kind of archive; most scripts copy nothing

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
