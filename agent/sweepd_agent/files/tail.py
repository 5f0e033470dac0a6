"""Tail of a metrics file: returns every new line once, and the lines of each writer in order.

`sweepd.metrics_file` describes how segments are written and read; each `look` is one pass over them.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sweepd.metrics_file import MAX_LINE_BYTES, closed_segments
from sweepd.regular_files import IrregularFileError, open_inside, status_inside
from sweepd_agent.core.rows import MALFORMED, Line, parse_line

# Maximum bytes per look, which takes a few milliseconds; the caller then yields to other tasks.
_BYTES_PER_LOOK = 16 * 1024
# Enough bytes to recognise a line that is too long.
_LONGEST = MAX_LINE_BYTES + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Line with its segment and byte range; `line` is None if it is blank."""

    segment: int
    start: int
    end: int
    line: Line | None


class Tail:
    """Reader of new lines in the segments of a metrics file, with a position in each segment."""

    def __init__(self, path: Path, positions: dict[int, int]) -> None:
        self._path = path
        self._positions = positions
        self._highest_closed = 0
        self._closed: dict[int, Path] = {}
        # The open segment is read by descriptor, because a writer may rename it at any time.
        self._descriptor: int | None = None
        self._identity: tuple[int, int] | None = None
        self.more = False
        # Reason why a part of the file is never read; empty if all of the file is read.
        self.complaint = ""

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = self._identity = None

    def look(self) -> list[Found]:
        """Return the complete lines since the last look; set `more` if there is more to read."""
        self.more = False
        found: list[Found] = []
        room = _BYTES_PER_LOOK
        for number, size in self._sizes():
            start = self._positions.get(number, 0)
            if size <= start:
                continue
            if room <= 0:
                self.more = True
                break
            try:
                lines, end = self._read(number, start, size, room)
            except OSError:
                if not found:
                    raise
                self.more = True  # return the lines found so far; the next look retries
                break
            found += lines
            self._positions[number] = end
            room -= end - start
            if self.more:
                break
        return found

    def _sizes(self) -> list[tuple[int, int]]:
        """Return number and size of each segment, oldest first; sizes are read newest first."""
        if self._identity is None or _identity(self._path) != self._identity:
            self._open_newest()
        sizes: list[tuple[int, int]] = []
        if self._descriptor is not None:
            sizes.append((self._highest_closed + 1, os.fstat(self._descriptor).st_size))
        for number, path in sorted(self._closed.items(), reverse=True):
            try:
                sizes.append((number, status_inside(path.parent, path.name).st_size))
            except FileNotFoundError:
                continue
            except IrregularFileError as error:
                self._complain(error)
        return sizes[::-1]

    def _complain(self, error: OSError) -> None:
        self.complaint = self.complaint or f"{error.filename} cannot be read: {error.strerror}"

    def _open_newest(self) -> None:
        """Open the newest segment, which is not closed, and list the closed segments."""
        while True:
            self.close()
            try:
                self._descriptor = open_inside(self._path.parent, self._path.name)
            except FileNotFoundError:
                pass
            except IrregularFileError as error:  # treated as missing: the closed segments can be read
                self._complain(error)
            else:
                status = os.fstat(self._descriptor)
                self._identity = (status.st_dev, status.st_ino)
            self._closed = dict(closed_segments(self._path))
            self._highest_closed = max(self._closed, default=0)
            if self._identity is None or self._identity not in map(_identity, self._closed.values()):
                return

    def _read(self, number: int, start: int, size: int, room: int) -> tuple[list[Found], int]:
        """Return the complete lines from `start`, up to about `room` bytes, and the end of the last line."""
        with self._file(number) as file:
            file.seek(start)
            content = file.read(min(size - start, room))
            if b"\n" not in content:  # a line is longer than `room`
                content += file.read(min(size - start, _LONGEST) - len(content))
            found = list(_lines(number, start, content))
            end = start + len(content)
            if found or end >= size:
                self.more = end < size
                return found, found[-1].end if found else start
            self.more = True
            while piece := file.read(min(_LONGEST, size - end)):
                newline = piece.find(b"\n")
                if newline >= 0:
                    end += newline + 1
                    return [Found(segment=number, start=start, end=end, line=MALFORMED)], end
                end += len(piece)
        self.more = False  # an overlong line that has not ended yet
        return [], start

    def _file(self, number: int) -> BinaryIO:
        path = self._closed.get(number)
        if path is not None:
            return os.fdopen(open_inside(path.parent, path.name), "rb")
        assert self._descriptor is not None
        return os.fdopen(os.dup(self._descriptor), "rb")


def read_block(path: Path, start: int, end: int) -> Iterator[Line]:
    """Yield the lines between two offsets, without blank lines."""
    try:
        with os.fdopen(open_inside(path.parent, path.name), "rb") as file:
            file.seek(start)
            content = file.read(end - start)
    except (FileNotFoundError, IrregularFileError):
        return
    for raw in content.split(b"\n"):
        line = parse_line(raw)
        if line is not None:
            yield line


def _lines(segment: int, start: int, content: bytes) -> Iterator[Found]:
    for raw in content.split(b"\n")[:-1]:
        end = start + len(raw) + 1
        yield Found(segment=segment, start=start, end=end, line=parse_line(raw))
        start = end


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
