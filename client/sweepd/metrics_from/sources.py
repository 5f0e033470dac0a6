"""Growing sources of metrics, read from a stored position, so that each line or event is read once."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sweepd.metrics_from.event_file import DamagedError, Event, event_prefix, events, record_length
from sweepd.metrics_from.lines import (
    MAX_LINE_BYTES,
    Complaints,
    LinePattern,
    Reader,
    Row,
    TooSlowError,
    reader_of,
)
from sweepd.regular_files import open_regular

_READ_BYTES = 1024 * 1024
_MAX_EVENT_FILES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Row, and the position after it in its source."""

    source: str
    position: int
    row: Row


class Source(Protocol):
    """Growing source of rows."""

    complaints: Complaints

    def look(self, *, ended: bool) -> Iterator[Found | None]:
        """Yield new rows; once the script has ended, also the row of a last line without newline.

        While no row is found, None is yielded from time to time, so the caller can do other work.
        """


class LineFile:
    """Source that reads the lines of a file; a file that has shrunk is read from its start again.

    Args:
        source: name of the source.
        path: path of the file.
        read: reader of its lines.
        position: number of bytes already read.
    """

    def __init__(self, source: str, path: Path, read: Reader, position: int) -> None:
        self.complaints = Complaints()
        self._source = source
        self._path = path
        self._read = read
        self._position = position
        self._has_header = False
        self._given_up = False

    def look(self, *, ended: bool) -> Iterator[Found | None]:
        """Yield new rows, see `Source.look`."""
        if self._given_up:
            return
        try:
            with os.fdopen(open_regular(self._path), "rb") as file:
                yield from self._rows(file.fileno(), ended=ended)
        except FileNotFoundError:
            return
        except OSError as error:
            self.complaints.add(f"{self._path} cannot be read: {error.strerror}")

    def _rows(self, descriptor: int, *, ended: bool) -> Iterator[Found | None]:
        size = os.fstat(descriptor).st_size
        if size < self._position:
            self._position, self._has_header = 0, False
        while self._position < size:
            if self._position and not self._has_header:  # a table needs its header when reading continues
                head = os.pread(descriptor, MAX_LINE_BYTES, 0).partition(b"\n")[0]
                self._row(head, first=True)
            content = os.pread(descriptor, min(_READ_BYTES, size - self._position), self._position)
            *lines, rest = content.split(b"\n")
            if ended and rest and self._position + len(content) >= size:
                lines.append(rest)
            if not lines:
                if len(content) < MAX_LINE_BYTES:
                    return
                self.complaints.add(f"a line of {self._path} is longer than {MAX_LINE_BYTES} bytes")
                self._position += len(content)
                yield None
                continue
            for line in lines:
                first = self._position == 0
                self._position = min(self._position + len(line) + 1, size)
                row = self._row(line, first=first)
                yield None if row is None else Found(source=self._source, position=self._position, row=row)
                if self._given_up:
                    return

    def _row(self, line: bytes, *, first: bool) -> Row | None:
        self._has_header = True
        try:
            return self._read(line.decode(errors="replace").rstrip("\r"), first)
        except TooSlowError as error:
            self._given_up = True
            self.complaints.add(str(error))
        except (ValueError, RecursionError) as error:
            self.complaints.add(f"a line of {self._path} cannot be read and was skipped: {error}")
        return None


class EventFolder:
    """Source of the scalars of all event files below a folder; names of inner folders prefix the tags.

    Args:
        folder: path of the folder.
        positions: number of bytes already read, by source name.
        skipped: number of bytes written before the run began, by file name.
        run: full name of the run; folders named after it or containing its id are left out of keys.
        is_foreign: function that returns True if a file belongs to another run; called once per new file.
    """

    def __init__(
        self,
        folder: Path,
        positions: Mapping[str, int],
        skipped: Mapping[str, int],
        *,
        run: str = "",
        is_foreign: Callable[[Path], bool] = lambda _: False,
    ) -> None:
        self.complaints = Complaints()
        self._folder = folder
        self._positions = dict(positions)
        self._skipped = skipped
        self._run = run
        self._is_foreign = is_foreign
        self._known: set[str] = set()
        self._given_up: set[str] = set()

    def look(self, *, ended: bool) -> Iterator[Found | None]:
        """Yield new rows, see `Source.look`."""
        before: dict[str, int] | None = None
        while before != self._positions:
            before = dict(self._positions)
            for name in event_files(self._folder):
                if name not in self._given_up:
                    yield from self._of_file(name)
            if not ended:
                return

    def _of_file(self, name: str) -> Iterator[Found | None]:
        if name not in self._known:
            self._known.add(name)
            if name not in self._skipped and self._is_foreign(self._folder / name):
                self._given_up.add(name)
                return
        source = f"tensorboard/{name}"
        position = self._positions.get(source, self._skipped.get(name, 0))
        prefix = event_prefix(name, self._run)
        try:
            with os.fdopen(open_regular(self._folder / name), "rb") as file:
                file.seek(position)
                content = file.read(_READ_BYTES)
                needed = record_length(content)
                if needed is not None and needed > _READ_BYTES:  # too long for a scalar: skip it
                    if os.fstat(file.fileno()).st_size >= position + needed:
                        self._positions[source] = position + needed
                    return
            for event in events(content, position):
                if event is not None:
                    self._positions[source] = event.end
                yield _found(event, source, prefix) if event is not None and event.values else None
        except DamagedError as error:
            self._given_up.add(name)
            self.complaints.add(f"{self._folder / name} is no longer read: {error}")
        except OSError as error:
            self.complaints.add(f"{self._folder / name} cannot be read: {error.strerror}")


def _found(event: Event, source: str, prefix: str) -> Found:
    values = {prefix + tag: value for tag, value in event.values.items()}
    return Found(source=source, position=event.end, row=Row(values=values, step=event.step, time=event.time))


def event_files(folder: Path) -> list[str]:
    """Return the names of at most 200 event files below a folder; in each folder, the oldest come first."""
    found: list[str] = []
    for parent, folders, files in os.walk(folder):
        folders.sort()
        event_files = (file for file in sorted(files) if "tfevents" in file)
        found.extend(os.path.relpath(os.path.join(parent, file), folder) for file in event_files)  # noqa: PTH118
        if len(found) >= _MAX_EVENT_FILES:
            break
    return found[:_MAX_EVENT_FILES]


def output_source(pattern: str, log: Path, position: int) -> LineFile:
    """Return the source of a script's output, read by a pattern."""
    return LineFile("stdout", log, LinePattern(pattern).read, position)


def file_source(path: Path, position: int, *, name: str = "") -> LineFile:
    """Return the source of a growing file; the suffix of `name`, or else of `path`, is its format."""
    return LineFile("file", path, reader_of(name or path.name), position)
