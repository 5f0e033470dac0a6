"""Metrics file: the format shared by a script and its agent, and the writer.

**Lines.** A UTF-8 file of JSON objects, one per line, each line appended by one `write` to a descriptor
opened with O_APPEND, so threads, forked children and programs in any language can write concurrently. The
members of a line are metric keys (a number, a boolean, a short string, or an object of such values, which the
reader flattens with dots) and:

- `_step` (integer): the step of the line. The process that called `init` counts steps; other processes and
  languages may omit it, and such a line is a separate step.
- `_time` (number): Unix time in seconds at which the line was written.
- `_open` (true): more lines of this step follow. The step is completed by its next line that is not marked,
  by a line of a later step, or by the end of the process. A line with the same `_step` as the previous line
  adds to that step, marked or not, and never begins a second step. A line without metric keys completes a
  step and adds nothing.
- `_checkpoint` (integer): a checkpoint now holds everything up to and including this step. The reader records
  its counters; an attempt that resumes there continues from them.

An attempt replaces the values that earlier attempts of its run have logged from the step of its first line
on: an attempt that resumes from a checkpoint of step s begins with s + 1. The attempts of a standalone run
share a file; its `run.json` records the position at which each attempt after the first begins.

`NaN`, `Infinity` and `-Infinity` are valid numbers. A line of more than MAX_LINE_BYTES is malformed, because
no agent or store accepts it. Nulls, groups nested deeper than MAX_DEPTH, and keys of more than MAX_KEY_LENGTH
characters, including the dots of nested keys, are ignored. Texts are cut to MAX_TEXT_LENGTH characters; a
list is kept as JSON text if the text is not longer. A blank line is ignored. A line that is not a JSON object
is malformed. Bytes after the last newline are an unfinished line as long as a process may still write to it.

**Segments.** Lines are appended to `metrics.jsonl`. When the file has reached `SEGMENT_BYTES`, a writer of
this module closes it: it renames the file to `metrics.jsonl.N`, where N is one more than the highest existing
number (1 for the first), and creates a new `metrics.jsonl`. Closed segments are thus numbered from the
oldest, and the open segment counts as number N + 1. Only one writer closes a segment: it holds an exclusive
`flock` on the segment and has verified under the lock that the name still belongs to it; no writer waits for
this lock. Other processes that have the renamed segment open continue appending to it without loss; a writer
of this module notices the size and switches at its next line, other programs may never switch.

**Reading.** A reader that wants every line once, and the lines of each writer in order, makes passes:

1. Open `metrics.jsonl` (it may be missing briefly), then list the closed segments. If one of them is the file
   just opened (same device and inode), it was closed in between: restart the pass.
2. Take the sizes, **newest segment first**, then read each segment from the end of the last pass up to its
   size, **oldest first**. A writer that switched before the size of the newer segment was taken had already
   written its last line to the older one, so the size of the older one, taken later, includes that line.
3. Store (segment number, offset after the last complete line) for each segment that still exists. The number
   of the open segment is one more than the highest closed one, and stays the same when it is closed.

A closed segment may be removed, or replaced by a thinned file, when it has been read to its end and either
the processes of the run have ended, or it has not grown for a minute and is not the highest closed one. The
minute is for a writer that was delayed between checking the size and writing: its line would be lost with the
file. The highest one stays, because numbering continues from it.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from sweepd.regular_files import open_inside

FILE_NAME = "metrics.jsonl"
SEGMENT_BYTES = 16 * 1024 * 1024
MAX_LINE_BYTES = 1024 * 1024
MAX_KEY_LENGTH = 256
MAX_TEXT_LENGTH = 1024
MAX_DEPTH = 32

STEP = "_step"
TIME = "_time"
OPEN = "_open"
CHECKPOINT = "_checkpoint"
# Source of a line that an agent has converted from external metrics.
FROM = "_from"
RESERVED = frozenset({STEP, TIME, OPEN, CHECKPOINT, FROM})


def closed_segments(path: Path) -> list[tuple[int, Path]]:
    """Return the closed segments of the metrics file at `path` with their numbers, oldest first."""
    return sorted(_numbered(path))


def end_of(path: Path) -> tuple[int, int]:
    """Return the position of the next line of the metrics file at `path`: segment number and offset.

    Raises:
        OSError: the file or its folder cannot be read.
    """
    closed = closed_segments(path)
    try:
        size = path.lstat().st_size
    except FileNotFoundError:
        size = 0
    return (closed[-1][0] if closed else 0) + 1, size


def _numbered(path: Path) -> Iterator[tuple[int, Path]]:
    prefix = f"{path.name}."
    for entry in path.parent.iterdir():
        number = entry.name.removeprefix(prefix)
        if number != entry.name and number.isascii() and number.isdecimal():
            yield int(number), entry


class MetricsFile:
    """Writer of the metrics file of a run; it also closes segments.

    Nothing is synced: a written line survives any end of the process; the reader syncs what must survive a
    crash of the machine. Not thread-safe: the caller serialises calls. After a fork, both processes may
    continue; the child calls `reopened` first, because a `flock` belongs to the shared file description.
    """

    def __init__(self, path: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._path = path
        self._segment_bytes: float = segment_bytes
        self._descriptor: int | None = None
        self._identity = (-1, -1)
        self._has_partial_line = False

    def append(self, line: bytes) -> None:
        """Append one line, which includes its newline.

        Raises:
            OSError: the line was not written, or only in part; the next call terminates the partial line.
        """
        descriptor = self._writable_segment()
        if self._has_partial_line:
            line = b"\n" + line
        written = os.write(descriptor, line)
        # A full disk may accept only a part of the line; retry, as space may have been freed.
        while written < len(line):
            self._has_partial_line = True
            line = line[written:]
            written = os.write(descriptor, line)
        self._has_partial_line = False

    def reopened(self) -> "MetricsFile":
        """Return a writer of the same file with a separate descriptor; for the child of a fork.

        The inherited descriptor is not closed, because its number may have been reused.
        """
        writer = MetricsFile(self._path)
        writer._segment_bytes = self._segment_bytes
        return writer

    def close(self) -> None:
        """Close the descriptor; the next line opens the file again."""
        if self._descriptor is not None and self._is_same_file(self._descriptor):
            os.close(self._descriptor)
        self._descriptor = None

    def _writable_segment(self) -> int:
        if self._descriptor is None:
            return self._open()
        try:
            status = os.fstat(self._descriptor)
        except OSError:  # closed by the script; daemons, for example, close every descriptor
            return self._open()
        if (status.st_dev, status.st_ino) != self._identity:
            return self._open()
        if status.st_size >= self._segment_bytes:
            return self._switch_segment(self._descriptor)
        return self._descriptor

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        descriptor = open_inside(self._path.parent.resolve(), self._path.name, flags, mode=0o644)
        status = os.fstat(descriptor)
        self._descriptor = descriptor
        self._identity = (status.st_dev, status.st_ino)
        # Terminate the partial line of a writer that died, so that our line stays separate. If that writer is
        # still writing, the result is a blank line, which is harmless.
        size = status.st_size
        self._has_partial_line = size > 0 and os.pread(descriptor, 1, size - 1) not in (b"\n", b"")
        return descriptor

    def _switch_segment(self, descriptor: int) -> int:
        """Close the full segment unless another writer has done so, and open the newest."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._is_open_segment():
                self._path.rename(self._next_closed())
            # Unlock explicitly: a child forked meanwhile shares the lock, so closing would not release it.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        except BlockingIOError:
            return descriptor  # another process is closing the segment; this line is still appended to it
        except OSError:
            # The file system lacks locks or renaming: one long segment is better than a lost line.
            self._segment_bytes = float("inf")
            return descriptor
        os.close(descriptor)
        self._descriptor = None
        return self._writable_segment()

    def _is_open_segment(self) -> bool:
        try:
            status = self._path.lstat()
        except FileNotFoundError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def _next_closed(self) -> Path:
        highest = max((number for number, _ in _numbered(self._path)), default=0)
        return self._path.with_name(f"{self._path.name}.{highest + 1}")

    def _is_same_file(self, descriptor: int) -> bool:
        try:
            status = os.fstat(descriptor)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity
