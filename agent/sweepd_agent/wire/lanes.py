"""Lanes of an attempt to the metric store: pieces in order, with a cursor and a window for each lane."""

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
    """Source of the pieces of a lane. Cursors count rows, bytes or pieces; what is up to one is done."""

    @property
    def floor(self) -> int:
        """Cursors below this are of an earlier series, and count as this."""

    def restart(self, cursor: int) -> int:
        """Take what lies beyond `cursor` for unsent; return the cursor that it begins at from now on."""

    def piece(self, cursor: int) -> tuple[int, bytes] | None:
        """Return the cursor behind the piece that begins at `cursor`, and its body; None if there is none."""

    def acknowledged(self, cursor: int) -> None:
        """Record that everything up to `cursor` is safe elsewhere."""

    def has_more(self, cursor: int) -> bool:
        """Return whether anything beyond what is safe up to `cursor` is left."""


class Lane:
    """Sends nothing by itself: the stream asks for the next piece when it has room for one."""

    def __init__(
        self, kind: v1.Lane.ValueType, source: Source, monotonic: Callable[[], float], *, acked: int = 0
    ) -> None:
        self.kind = kind
        self._source = source
        self._monotonic = monotonic
        self._cursor = Cursor(acked=acked, sent=acked)
        # Bytes that may be under way; None: the scheduler does not take this lane.
        self._window: int | None = 0

    @property
    def acked(self) -> int:
        """Everything up to this is safe elsewhere."""
        return self._cursor.acked

    @property
    def delivered(self) -> bool:
        """True if everything is stored elsewhere, or cannot be."""
        return self._window is None or not self._source.has_more(self._cursor.acked)

    def open(self, window: int | None, stored: int | None) -> None:
        """Begin on a new stream; `stored` is the cursor of the other side, if it knows."""
        self._window = window
        self._begin(self._cursor.acked if stored is None else stored)

    def begin_anew(self) -> None:
        """Take nothing for delivered: the other side turns out to have nothing of it."""
        self._begin(0)

    def next(self, ref: v1.AttemptRef) -> v1.AttachRequest | None:
        """Return the next piece, if there is one and the window has room."""
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
        """Record what is stored; return the round trip of the piece that was, None if none was."""
        now = self._monotonic()
        before = self._cursor
        if cursor > before.sent:  # sent by an earlier agent that did not learn of it
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
    """Rows of a spool, as batches of points."""

    floor = 0

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def restart(self, cursor: int) -> int:
        """Take rows beyond `cursor` for unsent; they are read again."""
        return cursor

    def piece(self, cursor: int) -> tuple[int, bytes] | None:
        """Return the rows after `cursor`, as many as one message carries."""
        rows = self._spool.rows(cursor) if self.has_more(cursor) else []
        while rows:
            body = codec.point_batch(rows, first_row=cursor + 1).SerializeToString()
            if len(body) <= _LARGEST_BATCH or len(rows) == 1:
                return rows[-1].number, body
            rows = rows[: len(rows) // 2]
        return None

    def acknowledged(self, cursor: int) -> None:
        """Keep the rows: the spool makes room by itself."""

    def has_more(self, cursor: int) -> bool:
        """Return whether a row beyond `cursor` may be sent."""
        return cursor < self._spool.last_row


class LogFile:
    """Standard output and error of a process, as it writes them.

    Args:
        size: bytes that are known to be there.
    """

    floor = 0

    def __init__(self, file: Path, size: int) -> None:
        self._file = file
        self.size = size

    def look(self) -> bool:
        """See how long the log has become; return whether it has grown."""
        try:
            size = status_inside(self._file.parent, self._file.name).st_size
        except OSError:
            size = 0  # it was removed, or replaced: nothing of it will ever come
        grown, self.size = size > self.size, size
        return grown

    def restart(self, cursor: int) -> int:
        """Take bytes beyond `cursor` for unsent; they are read again."""
        return cursor

    def piece(self, cursor: int) -> tuple[int, bytes] | None:
        """Return the bytes after `cursor`, as many as one piece has."""
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
        """Keep the log: its folder is removed as a whole."""

    def has_more(self, cursor: int) -> bool:
        """Return whether there are bytes beyond `cursor`."""
        return cursor < self.size

    def tail(self) -> str:
        """Return the last lines."""
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
