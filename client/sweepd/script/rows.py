"""Rows that a process, its threads, signal handlers and forked children log to the metrics file."""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import SupportsInt

from sweepd import metrics_file
from sweepd.metrics_file import STEP, MetricsFile, closed_segments
from sweepd.regular_files import open_inside
from sweepd.script.definitions import Definitions, Logged, with_step_metrics
from sweepd.script.notices import Notices
from sweepd.script.row import encode, suitable

# Range of valid steps: 64 bits.
_STEPS = range(-(2**63), 2**63)
KeepAt = Callable[[str, object, int | None], object]
"""Function like `row.Keep` with the step as a third argument."""


class Steps:
    """Current step of a process that logs rows; `marked_open` is True if its last row was marked open.

    A row with a lower step than the current one is late; a row with the current step adds to that step; a
    row with a higher step makes its step current. A row without a step belongs to the current step. `commit`
    decides whether a row completes its step; by default, only rows without a step do. Only rows with
    `commit=False` are marked open; after any other row, readers need not wait for more lines.
    """

    def __init__(self, first: int = 0) -> None:
        self.current = first
        self.marked_open = False
        # True once the current step has a row.
        self.begun = False

    def place(self, step: int | None, *, commit: bool | None) -> bool:
        """Make the step of the next row current; return False if the row is late and must be dropped."""
        if step is not None:
            if step < self.current:
                return False
            self.current = step
        self.marked_open = commit is False
        self.begun = True
        return True

    def completes(self, step: int | None, *, commit: bool | None) -> bool:
        """Return True if a row with these arguments completes its step."""
        return step is None if commit is None else commit

    def advance(self) -> None:
        """Move to the next step."""
        self.current += 1
        self.begun = False

    @property
    def last(self) -> int:
        """Newest step with a row; first step minus 1 while there is no row."""
        return self.current if self.begun else self.current - 1


class Rows:
    """Rows of one run in one process. By default, only the process that began the run counts steps.

    Args:
        path: metrics file; None: count rows without writing them.
        notices: receives the warnings.
        first_step: first step; None: this process does not count steps.
        keep: stores values that are not numbers.
    """

    def __init__(self, path: Path | None, notices: Notices, *, first_step: int | None, keep: KeepAt) -> None:
        self.definitions = Definitions()
        self.logged = Logged(self.definitions)
        self._file = None if path is None else MetricsFile(path)
        self._path = path
        self._notices = notices
        self._steps = None if first_step is None else Steps(first_step)
        self._keep = keep
        self.ended = False  # whether new rows are rejected
        self._origin = os.getpid()
        self._bind_to_process()

    @property
    def is_ours(self) -> bool:
        """True if this process began the run, as opposed to a forked child."""
        return self._origin == os.getpid()

    @property
    def step(self) -> int:
        """Step of the next row that is logged without one; 0 if this process does not count."""
        return self._steps.current if self._steps else 0

    @property
    def last_step(self) -> int:
        """Newest step with a row; first step minus 1 without rows, or -1 if this process does not count."""
        return self._steps.last if self._steps else -1

    def begin_at(self, step: int) -> bool:
        """Start counting at a step; return False if rows exist or this process does not count steps."""
        with self._lock:
            if self._steps is None or self._steps.begun or self.logged.last:
                return False
            self._steps = Steps(step)
            return True

    def count_steps(self) -> None:
        """Make this process count steps, from 0, unless it already does."""
        self.continue_in_child()
        with self._lock:
            if self._steps is None:
                self._steps = Steps()

    def add(self, data: Mapping[str, object], step: object, commit: bool | None) -> None:
        """Write a row."""
        if self._process != os.getpid():
            self.continue_in_child()
        with self._lock:
            if self.ended:
                self._notices.once("finished", "log() after finish(): the metrics were dropped")
                return
            if step is None or (type(step) is int and step in _STEPS):
                number: int | None = step
            else:
                number = self._step_number(step)
            if self._steps is None:
                self._write({} if number is None else {metrics_file.STEP: number}, data, number)
            else:
                self._count(self._steps, data, number, commit)

    def end(self) -> bool:
        """Complete the open step and close the file; return False if the rows had already ended."""
        self.continue_in_child()
        with self._lock:
            if self.ended:
                return False
            if self._steps is not None and self._steps.marked_open:
                self._count(self._steps, {}, None, True)
            self.ended = True
            if self._file is not None:
                self.attempt_to(self._file.close)
            return True

    def attempt_to(self, write: Callable[[], None], loss: str = "metrics are being lost") -> None:
        """Call `write`; if it raises OSError, only warn about the loss, so that the training continues."""
        try:
            write()
        except OSError as error:
            where = self._path.parent if self._path else ""
            self._notices.once(loss, f"{loss} in {where}: {error}")

    def continue_in_child(self) -> None:
        """Make a forked copy usable: a thread that does not exist in the child may hold the lock."""
        if self._process != os.getpid():
            self._bind_to_process()
            self._file = None if self._file is None else self._file.reopened()
            self._steps = None

    def _bind_to_process(self) -> None:
        self._process = os.getpid()
        # Reentrant: a signal handler may log while the same thread logs.
        self._lock = threading.RLock()

    def _step_number(self, step: object) -> int | None:
        with suppress(Exception):  # NaN or a tensor of several items; other objects may raise anything
            if isinstance(step, SupportsInt) and (number := int(step)) in _STEPS:
                return number
        self._notices.once(
            "step",
            f"a step ({type(step).__name__}) is not a 64-bit integer: the metrics are logged at the "
            "current step",
        )
        return None

    def _count(self, steps: Steps, data: Mapping[str, object], step: int | None, commit: bool | None) -> None:
        if not steps.place(step, commit=commit):
            self._notices.once(
                "late step",
                f"step {step} is below the current step {steps.current}: metrics of lower steps are dropped",
            )
            return
        header: dict[str, object] = {metrics_file.STEP: steps.current}
        if commit is False:
            header[metrics_file.OPEN] = True
        completes = steps.completes(step, commit=commit)
        self._write(header, data, steps.current)
        if completes:
            steps.advance()

    def _write(self, header: dict[str, object], data: Mapping[str, object], step: int | None) -> None:
        header[metrics_file.TIME] = time.time()
        values = suitable(
            data,
            self._notices,
            lambda key, value: self._keep(key, value, step),
            for_rows=self._path is not None,
        )
        if self.definitions:
            values = with_step_metrics(values, self.definitions, self.logged.last)
        line, values = encode(header, values, self._notices)
        self.logged.take(values)
        if self._file is not None:
            file = self._file
            self.attempt_to(lambda: file.append(line))

    def mark_checkpoint(self, step: int) -> None:
        """Write a row which records that a checkpoint covers everything up to a step."""
        with self._lock:
            if self._file is not None and not self.ended:
                header: dict[str, object] = {metrics_file.CHECKPOINT: step}
                if self._steps is not None and self._steps.last >= 0:  # part of the last step
                    header[metrics_file.STEP] = self._steps.last
                    if self._steps.marked_open:
                        header[metrics_file.OPEN] = True
                file, (line, _) = self._file, encode(header, {}, self._notices)
                self.attempt_to(lambda: file.append(line))


_BLOCK = 64 * 1024


def last_step(metrics_file: Path) -> int | None:
    """Return the step of the last line with a step; None without such a line or if the file is unreadable.

    The file is read from its end, so that one or two blocks suffice for a run of any length.
    """
    try:
        segments = [metrics_file, *(path for _, path in reversed(closed_segments(metrics_file)))]
    except OSError:
        return None
    return next((step for path in segments if (step := _last_step_in(path)) is not None), None)


def _last_step_in(path: Path) -> int | None:
    try:
        with os.fdopen(open_inside(path.parent.resolve(), path.name), "rb") as file:
            end, rest = file.seek(0, os.SEEK_END), b""
            while end > 0:
                begin = max(0, end - _BLOCK)
                file.seek(begin)
                # The first line of a block may begin in the previous one.
                first, *lines = (file.read(end - begin) + rest).split(b"\n")
                rest, end = first, begin
                if begin == 0:
                    lines.insert(0, first)
                for line in reversed(lines):
                    if (step := _step_of(line)) is not None:
                        return step
    except OSError:
        return None
    return None


def _step_of(line: bytes) -> int | None:
    if b'"_step"' not in line:
        return None
    try:
        row: object = json.loads(line)
    except (ValueError, RecursionError):  # incomplete, or written by another program
        return None
    step = row.get(STEP) if isinstance(row, dict) else None
    return step if isinstance(step, int) and not isinstance(step, bool) else None
