"""Last step in the metrics file of an earlier process."""

import json
import os
from pathlib import Path

from sweepd.metrics_file import STEP, closed_segments
from sweepd.regular_files import open_inside

_BLOCK = 64 * 1024


def last_step(metrics_file: Path) -> int | None:
    """Return the step of the last line that has one; None if there is none or the file cannot be read.

    Reads from the end, so a run of any length costs a block or two.
    """
    try:
        segments = [metrics_file, *(path for _, path in reversed(closed_segments(metrics_file)))]
    except OSError:
        return None
    return next((step for path in segments if (step := _last_of(path)) is not None), None)


def _last_of(path: Path) -> int | None:
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
    except (ValueError, RecursionError):  # torn, or written by another program
        return None
    step = row.get(STEP) if isinstance(row, dict) else None
    return step if isinstance(step, int) and not isinstance(step, bool) else None
