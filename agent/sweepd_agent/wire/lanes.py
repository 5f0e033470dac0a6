"""Lanes of an attempt to the metric store: ordered pieces, with a cursor and a window per lane."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from sweepd import v1
from sweepd.regular_files import open_inside, status_inside
from sweepd_agent.core.cursors import Cursor
from sweepd_agent.files.spool import Spool
from sweepd_agent.wire import codec

LOG_PIECE_BYTES = 256 * 1024
_LARGEST_BATCH = 900 * 1024
_TAIL_BYTES = 8_000
_TAIL_LINES = 20


class Source(Protocol):
    """Source of the pieces of a lane. A cursor is a position in the lane, in rows, bytes or pieces."""

    @property
    def floor(self) -> int:
        """Cursor at which the current series begins; smaller cursors belong to an earlier series."""

    def restart(self, cursor: int) -> int:
        """Treat everything after `cursor` as unsent; return the cursor at which sending resumes."""

    def piece(self, cursor: int) -> tuple[int, bytes] | None:
        """Return end cursor and body of the piece that begins at `cursor`; None if there is no piece."""

    def acknowledged(self, cursor: int) -> None:
        """Record that everything up to `cursor` is stored."""

    def has_more(self, cursor: int) -> bool:
        """Return True if there is anything to send after `cursor`, up to which everything is stored."""


class Lane:
    """Lane of pieces, which the stream pulls one by one when it can send."""

    def __init__(
        self, kind: v1.Lane.ValueType, source: Source, monotonic: Callable[[], float], *, acked: int = 0
    ) -> None:
        self.kind = kind
        self._source = source
        self._monotonic = monotonic
        self._cursor = Cursor(acked=acked, sent=acked)
        # Bytes that may be in flight; None: the scheduler does not support this lane.
        self._window: int | None = 0

    @property
    def acked(self) -> int:
        """Cursor up to which everything is stored by the server."""
        return self._cursor.acked

    @property
    def delivered(self) -> bool:
        """True if the server has stored everything, or does not support the lane."""
        return self._window is None or not self._source.has_more(self._cursor.acked)

    def open(self, window: int | None, stored: int | None) -> None:
        """Begin a new stream; `stored` is the cursor of the other side, None if unknown."""
        self._window = window
        self._begin(self._cursor.acked if stored is None else stored)

    def reset(self) -> None:
        """Treat everything as undelivered, as the other side has no data of the lane."""
        self._begin(0)

    def next(self, ref: v1.AttemptRef) -> v1.AttachRequest | None:
        """Return the next piece; None if there is no piece or the window is full."""
        if self._window is None or not self._cursor.may_send(self._window):
            return None
        start = self._cursor.sent
        found = self._source.piece(start)
        if found is None:
            return None
        end, body = found
        self._cursor = self._cursor.sending(end, len(body), self._monotonic())
        piece = v1.LanePiece(attempt=ref, lane=self.kind, start=start, end=end, body=body)
        return v1.AttachRequest(piece=piece)

    def acknowledged(self, cursor: int) -> float | None:
        """Record an acknowledgement; return the round-trip time of its last piece, None if there is none."""
        now = self._monotonic()
        before = self._cursor
        if cursor > before.sent:  # sent by an earlier agent that never received the acknowledgement
            self._begin(cursor)
        else:
            self._cursor = before.acknowledged(max(cursor, self._source.floor), now)
        self._source.acknowledged(self._cursor.acked)
        if self._cursor.sent < before.sent:
            self._begin(self._cursor.acked, rewound=now)
        return before.round_trip(cursor, now)

    def _begin(self, cursor: int, rewound: float = float("-inf")) -> None:
        start = self._source.restart(cursor)
        self._cursor = Cursor(acked=start, sent=start, rewound=rewound)


class Rows:
    """Source of a spool's rows, as batches of points."""

    floor = 0

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def restart(self, cursor: int) -> int:
        """Treat rows after `cursor` as unsent; they are read again."""
        return cursor

    def piece(self, cursor: int) -> tuple[int, bytes] | None:
        """Return the rows after `cursor` that fit into one message."""
        rows = self._spool.rows(cursor) if self.has_more(cursor) else []
        while rows:
            body = codec.point_batch(rows, first_row=cursor + 1).SerializeToString()
            if len(body) <= _LARGEST_BATCH or len(rows) == 1:
                return rows[-1].number, body
            rows = rows[: len(rows) // 2]
        return None

    def acknowledged(self, cursor: int) -> None:
        """Do nothing: the spool keeps acknowledged rows."""

    def has_more(self, cursor: int) -> bool:
        """Return True if a row after `cursor` may be sent."""
        return cursor < self._spool.last_row


class LogFile:
    """Source of a process's standard output and error, which may still grow.

    Args:
        size: last known size of the log in bytes.
    """

    floor = 0

    def __init__(self, file: Path, size: int) -> None:
        self._file = file
        self.size = size

    def look(self) -> bool:
        """Update the size of the log; return True if it has grown."""
        try:
            size = status_inside(self._file.parent, self._file.name).st_size
        except OSError:
            size = 0  # it was removed or replaced: there is nothing left to send
        grown, self.size = size > self.size, size
        return grown

    def restart(self, cursor: int) -> int:
        """Treat bytes after `cursor` as unsent; they are read again."""
        return cursor

    def piece(self, cursor: int) -> tuple[int, bytes] | None:
        """Return the bytes after `cursor`, up to the size of one piece."""
        if not self.has_more(cursor):
            return None
        try:
            with self._open() as file:
                file.seek(cursor)
                content = file.read(min(LOG_PIECE_BYTES, self.size - cursor))
        except OSError:
            return None
        return (cursor + len(content), content) if content else None

    def acknowledged(self, cursor: int) -> None:
        """Do nothing: the log is removed with its folder."""

    def has_more(self, cursor: int) -> bool:
        """Return True if there are bytes after `cursor`."""
        return cursor < self.size

    def tail(self) -> str:
        """Return the last lines of the log."""
        try:
            with self._open() as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - _TAIL_BYTES))
                content = file.read()
        except OSError:
            return ""
        return "\n".join(content.decode(errors="replace").splitlines()[-_TAIL_LINES:])

    def _open(self) -> BinaryIO:
        return os.fdopen(open_inside(self._file.parent, self._file.name), "rb")
