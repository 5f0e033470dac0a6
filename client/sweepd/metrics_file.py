"""The metrics file: what a script and its agent agree on, and the writing side of it.

**Lines.** A UTF-8 file of JSON objects, one a line, each line appended by one `write` to a descriptor opened
with O_APPEND. So threads, forked children and programs in any language write side by side. The members of a
line are metric keys (a number, a boolean, a short string, or an object of those, which the reader flattens
with dots) and:

- `_step` (integer): the step of the line. The process that called `init` counts steps; other processes and
  languages may leave it out, and such a line is a step of its own.
- `_time` (number): Unix time in seconds at which the line was written.
- `_open` (true): more lines of this step follow. The step is complete with the next line of it that is not
  marked, with a line of a later step, or with the end of the process. A line with the same `_step` as the one
  before adds to that step, marked or not, and never makes a second one of it. A line without metric keys
  completes a step and adds nothing.

- `_checkpoint` (integer): a checkpoint now holds everything up to and including this step. The reader takes
  note of how far its counts are; an attempt that resumes there counts on from them.

An attempt replaces what earlier attempts at its run have logged from the step of its first line on: one that
resumes from a checkpoint of step s begins with s + 1. The attempts at a standalone run share a file; its
`run.json` says where each but the first begins in it.

`NaN`, `Infinity` and `-Infinity` are legal numbers. A line of more than MAX_LINE_BYTES is malformed, as no
agent or store would take it; keys of more than MAX_KEY_LENGTH characters are passed over, nested ones counted
with their dots, as are groups below MAX_DEPTH others and nulls; of texts, MAX_TEXT_LENGTH characters are
kept, and a list is its text in JSON if that is no longer. A blank line is nothing at all. A line that is
no JSON object is malformed. What stands after the last newline is unfinished as long as somebody may still
write to it.

**Segments.** Lines are appended to `metrics.jsonl`. A writer of this module that finds it at `SEGMENT_BYTES`
or more closes it: it renames the file to `metrics.jsonl.N`, N one above the highest there is (1 for the
first), and creates `metrics.jsonl` anew. Closed segments thus count upwards from the oldest, and the open one
is number N + 1 before it bears the name. Only one writer closes a segment: it holds an exclusive `flock` on
the segment and, holding it, has seen that the name still belongs to it; nobody waits for that lock. Whoever
else has the renamed segment open continues appending to it without loss; a writer here notices by the
segment's size and changes over at its next line, others may never do so.

**Reading.** A reader that wants every line once, and the lines of each writer in order, makes passes:

1. Open `metrics.jsonl` (it may be missing for a moment), list the closed segments after that. If one of them
   is the very file just opened (same device and inode), a roll came in between: begin again.
2. Take the sizes, **newest segment first**, then read each from where the last pass ended up to its size,
   **oldest first**. A writer that had changed over before the size of the newer segment was taken wrote its
   last line to the older one before that, so it is inside the size taken later.
3. Remember (segment number, offset after the last whole line) for each segment that is still there. The
   number of the open segment is one above the highest closed one, and stays its number when it is closed.

A closed segment may be removed, or replaced by a thinned file, when it has been read to its end and either
the processes of the run are gone, or it has not grown for a minute and is not the highest closed one. The
minute is for a writer that was held up between its look at the size and its write: that line would go with
the file. The highest one stays, because the numbers count on from it.
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
# Where an agent has read a line that a script has logged elsewhere.
FROM = "_from"
RESERVED = frozenset({STEP, TIME, OPEN, CHECKPOINT, FROM})


def closed_segments(path: Path) -> list[tuple[int, Path]]:
    """Return the closed segments of the metrics file at `path` with their numbers, oldest first."""
    return sorted(_numbered(path))


def end_of(path: Path) -> tuple[int, int]:
    """Return where the next line of the metrics file at `path` goes: a segment's number, and an offset.

    Raises:
        OSError: that cannot be seen.
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
    """Appends lines to the metrics file of a run, and closes its segments.

    Nothing is synced: a line that was written survives the end of the process in whatever way it comes, and
    what must survive the machine is the reader's to sync. Not safe for threads: the caller serialises them.
    After a fork, both processes may continue; the child calls `reopened` first, since a `flock` belongs
    to the description that they share.
    """

    def __init__(self, path: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._path = path
        self._segment_bytes: float = segment_bytes
        self._descriptor: int | None = None
        self._identity = (-1, -1)
        self._torn = False

    def append(self, line: bytes) -> None:
        """Append one line, its newline included.

        Raises:
            OSError: the line is not in the file, or only a part of it, which the next line ends.
        """
        descriptor = self._writable_segment()
        if self._torn:
            line = b"\n" + line
        written = os.write(descriptor, line)
        # A full disk takes a part of a line and refuses the rest; room may have been made in between.
        while written < len(line):
            self._torn = True
            line = line[written:]
            written = os.write(descriptor, line)
        self._torn = False

    def reopened(self) -> "MetricsFile":
        """Return a writer of the same file with a descriptor of its own; for the child of a fork.

        The inherited descriptor is left alone: by now its number may stand for something else.
        """
        twin = MetricsFile(self._path)
        twin._segment_bytes = self._segment_bytes
        return twin

    def close(self) -> None:
        """Give the descriptor back; the next line opens the file again."""
        if self._descriptor is not None and self._is_ours(self._descriptor):
            os.close(self._descriptor)
        self._descriptor = None

    def _writable_segment(self) -> int:
        if self._descriptor is None:
            return self._open()
        try:
            status = os.fstat(self._descriptor)
        except OSError:  # closed behind our back, as daemons close every descriptor
            return self._open()
        if (status.st_dev, status.st_ino) != self._identity:
            return self._open()
        if status.st_size >= self._segment_bytes:
            return self._change_over(self._descriptor)
        return self._descriptor

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        descriptor = open_inside(self._path.parent.resolve(), self._path.name, flags, mode=0o644)
        status = os.fstat(descriptor)
        self._descriptor = descriptor
        self._identity = (status.st_dev, status.st_ino)
        # A writer that died in the middle of a line must not take ours with it. One that is still at it looks
        # the same; then a blank line comes in between.
        size = status.st_size
        self._torn = size > 0 and os.pread(descriptor, 1, size - 1) not in (b"\n", b"")
        return descriptor

    def _change_over(self, descriptor: int) -> int:
        """Close the full segment unless somebody has done so, and open the newest."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._bears_the_name():
                self._path.rename(self._next_closed())
            # Explicit: a child forked just now shares the lock, and closing here would not release it.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        except BlockingIOError:
            return descriptor  # another process is closing it; this line still goes into the full segment
        except OSError:
            # No locks or no renaming on this file system: one long segment is better than a lost line.
            self._segment_bytes = float("inf")
            return descriptor
        os.close(descriptor)
        self._descriptor = None
        return self._writable_segment()

    def _bears_the_name(self) -> bool:
        try:
            status = self._path.lstat()
        except FileNotFoundError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def _next_closed(self) -> Path:
        highest = max((number for number, _ in _numbered(self._path)), default=0)
        return self._path.with_name(f"{self._path.name}.{highest + 1}")

    def _is_ours(self, descriptor: int) -> bool:
        try:
            status = os.fstat(descriptor)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity
