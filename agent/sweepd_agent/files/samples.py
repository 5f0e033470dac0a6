"""Samples of an attempt: rows of their own on disk, until the metric store has them.

They are no rows of the script: its numbers, steps and iterations do not know of them.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from sweepd.metrics_file import STEP, TIME
from sweepd.regular_files import open_inside
from sweepd_agent.core.numbering import Numbering
from sweepd_agent.files.spool import Spool

FILE_NAME = "system.jsonl"
_KEPT_ROWS = 60


class SystemRows:
    """File of samples and its spool; a row is sent once its number is durable."""

    def __init__(self, folder: Path, numbering: Numbering, wall_clock: Callable[[], float]) -> None:
        self.file = folder / FILE_NAME
        self.spool = Spool(
            self.file, numbering, watched=(), rungs=frozenset(), wall_clock=wall_clock, kept_rows=_KEPT_ROWS
        )
        self._wall_clock = wall_clock

    def add(self, sample: Mapping[str, float], *, step: int) -> None:
        """Write a sample, taken now; raises OSError. `step`: the last one of the script."""
        line = {STEP: step, TIME: round(self._wall_clock(), 3), **sample}
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(open_inside(self.file.parent, self.file.name, flags), "ab") as file:
            file.write(f"{json.dumps(line)}\n".encode())
        self.read_rest()

    def read_rest(self) -> None:
        """Number what is written, also by an earlier agent; raises OSError."""
        while self.spool.poll():
            pass

    def close(self) -> None:
        """Close the file."""
        self.spool.close()
