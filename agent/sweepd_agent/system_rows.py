"""Samples of an attempt on their way to the metric store: rows and a cursor of their own.

They are no rows of the script: its numbers, steps and iterations do not know of them.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from sweepd import v1
from sweepd.metrics_file import STEP, TIME
from sweepd.regular_files import open_inside
from sweepd_agent import codec
from sweepd_agent.core.attempt import Json
from sweepd_agent.core.cursors import Cursor
from sweepd_agent.core.numbering import Numbering, from_document
from sweepd_agent.spool import Spool

FILE_NAME = "system.jsonl"
_KEPT_ROWS = 60


class SystemRows:
    """Keeps samples on disk until they are safe elsewhere; a row is sent once its number is durable."""

    def __init__(
        self,
        folder: Path,
        numbering: Numbering,
        acked: int,
        monotonic: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self.file = folder / FILE_NAME
        self.spool = Spool(
            self.file, numbering, watched=(), rungs=frozenset(), wall_clock=wall_clock, kept_rows=_KEPT_ROWS
        )
        self._monotonic = monotonic
        self._wall_clock = wall_clock
        self._cursor = Cursor(acked=acked, sent=acked)
        self._refused = False

    @property
    def acked(self) -> int:
        """The last row that is safe elsewhere."""
        return self._cursor.acked

    @property
    def delivered(self) -> bool:
        """Whether all rows are stored elsewhere, or cannot be."""
        return self._refused or self._cursor.acked >= self.spool.last_row

    def add(self, sample: Mapping[str, float], *, step: int) -> None:
        """Write a sample, taken now; raises OSError. `step`: the last one of the script."""
        line = {STEP: step, TIME: round(self._wall_clock(), 3), **sample}
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(open_inside(self.file.parent, self.file.name, flags), "ab") as file:
            file.write(f"{json.dumps(line)}\n".encode())
        self.read_rest()

    def read_rest(self) -> None:
        """Number what is written, also by an agent of before; raises OSError."""
        while self.spool.poll():
            pass

    def begin_anew(self) -> None:
        """Take nothing for delivered."""
        self._cursor = Cursor()

    def open(self, *, taken: bool) -> None:
        """Begin on a new stream, which takes samples or does not."""
        self._refused = not taken
        self._cursor = self._cursor.on_new_stream(None)

    def close(self) -> None:
        """Give descriptors back."""
        self.spool.close()

    def next(self, ref: v1.AttemptRef, window: int) -> v1.AttachRequest | None:
        """Return rows, if there are any and the window has room."""
        sent = self._cursor.sent
        if self._refused or sent >= self.spool.last_row or not self._cursor.may_send(window):
            return None
        rows = self.spool.rows(sent)
        if not rows:
            return None
        points = codec.points(ref, rows, first_row=sent + 1)
        self._cursor = self._cursor.sending(rows[-1].number, points.ByteSize(), self._monotonic())
        return v1.AttachRequest(system_points=points.points)

    def acknowledged(self, ack: v1.Ack) -> None:
        """Take note of what is stored."""
        if ack.HasField("system_row"):
            self._cursor = self._cursor.acknowledged(ack.system_row, self._monotonic())


def numbering_of(stored: Json) -> Numbering:
    """Return the numbering that was stored for samples; an empty one if none was."""
    return from_document(stored) if isinstance(stored, dict) else Numbering()
