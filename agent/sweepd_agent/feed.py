"""What one attempt has to tell on the stream, in the right order: observations, its end, points, its log."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from sweepd import v1
from sweepd.regular_files import open_inside, status_inside
from sweepd_agent import codec
from sweepd_agent.core.attempt import AttemptKey, Exit
from sweepd_agent.core.cursors import Cursor
from sweepd_agent.core.numbering import MAX_LOGGED_KEYS
from sweepd_agent.details import Details
from sweepd_agent.run_files import RunFiles
from sweepd_agent.spool import Spool
from sweepd_agent.system_rows import SystemRows

LOG_CHUNK = 256 * 1024
_LARGEST_MESSAGE = 900 * 1024
_TAIL_BYTES = 8_000
_TAIL_LINES = 20


class Feed:
    """Sends nothing by itself: the stream asks for the next message when it has room for one."""

    def __init__(
        self,
        key: AttemptKey,
        spool: Spool,
        log: Path,
        details: Details,
        files: RunFiles,
        system: SystemRows,
        monotonic: Callable[[], float],
        *,
        log_acked: int,
    ) -> None:
        self.key = key
        self.details = details
        self.files = files
        self.system = system
        self.spool = spool
        self._log = log
        self._monotonic = monotonic
        self._ref: v1.AttemptRef | None = None
        self._observations = Cursor()
        self._points = Cursor()
        self._logs = Cursor(acked=log_acked, sent=log_acked)
        self._exit: Exit | None = None
        self._exit_sent: float | None = None
        self._log_size = log_acked
        self.exit_acked = False

    def restore(self, *, observation_row: int, point_row: int, exit_acked: bool) -> None:
        """Go on from where an earlier agent stood."""
        self._observations = Cursor(acked=observation_row, sent=observation_row)
        self._points = Cursor(acked=point_row, sent=point_row)
        self.exit_acked = exit_acked

    def begin_anew(self) -> None:
        """Take nothing for delivered: the other side turns out to have nothing of it."""
        self.restore(observation_row=0, point_row=0, exit_acked=False)
        self._logs = Cursor()
        self.details.begin_anew()
        self.files.begin_anew()
        self.system.begin_anew()

    @property
    def acked(self) -> tuple[int, int, int]:
        """Observation row, point row and log offset that are safe elsewhere."""
        return self._observations.acked, self._points.acked, self._logs.acked

    @property
    def progress(self) -> tuple[object, ...]:
        """Changes with everything that becomes safe elsewhere."""
        return self.acked, self.exit_acked, self.details.acked, self.system.acked, self.files.stored

    @property
    def delivered(self) -> bool:
        """Whether nothing of an ended attempt is left to send."""
        return (
            self._exit is not None
            and self.exit_acked
            and self._points.acked >= self.spool.last_row
            and self._logs.acked >= self._log_size
            and self.details.delivered
            and self.system.delivered
            and self.files.delivered
        )

    def open(
        self,
        handle: int,
        cursors: v1.AttemptVerdict | None = None,
        *,
        takes_files: bool = False,
        takes_samples: bool = False,
    ) -> None:
        """Begin on a new stream, from the cursors of the other side where it has said them."""
        self._ref = v1.AttemptRef(run_handle=handle, attempt=self.key.attempt)
        self._exit_sent = None
        self._observations = self._observations.on_new_stream(_given(cursors, "observation_row"))
        self._points = self._points.on_new_stream(_given(cursors, "point_row"))
        self._logs = self._logs.on_new_stream(_given(cursors, "log_offset"))
        self.details.open(cursors)
        self.files.open(taken=takes_files)
        self.system.open(taken=takes_samples)

    def close(self) -> None:
        """Send nothing any more, until the next stream."""
        self._ref = None

    @property
    def ref(self) -> v1.AttemptRef | None:
        """How the attempt is named on the stream; None while it has nothing to say there."""
        return self._ref

    def finish(self, how: Exit) -> None:
        """Take note of the end; the spool has been read to its end and saved."""
        self._exit = how
        self.look_at_log()

    def look_at_log(self) -> bool:
        """See how long the log has become; return whether it has grown."""
        try:
            size = status_inside(self._log.parent, self._log.name).st_size
        except OSError:
            size = 0  # it was removed, or replaced: nothing of it will ever come
        grown, self._log_size = size > self._log_size, size
        return grown

    def next_urgent(self) -> v1.AttachRequest | None:
        """Return observations, or the end once all of them are out; None if there is neither."""
        if self._ref is None:
            return None
        if told := self.details.next(self._ref):  # first: it may say from which step the rows go on
            return told
        if self.exit_acked:
            return None
        sent = self._observations.sent
        if sent < self.spool.settled:
            items, last = self.spool.observations(sent)
            message = codec.observations(self._ref, sent + 1, last, items)
            self._observations = self._observations.sending(last, message.ByteSize(), self._monotonic())
            return message
        if self._exit is not None and self._exit_sent is None:
            self._exit_sent = self._monotonic()
            return codec.run_exited(
                self._ref,
                self._exit,
                last_row=self.spool.last_row,
                logged_keys=self._logged_keys(),
                summary_values=self._summary_values(),
                log_tail=self.log_tail() if self._exit.failed else "",
                log_bytes=self._log_size,
            )
        return None

    def _logged_keys(self) -> list[str]:
        """Return the first keys by name of those that were logged, or put into the summary as numbers."""
        return sorted({*self.spool.numbering.logged_keys, *self.details.summary_names()})[:MAX_LOGGED_KEYS]

    def _summary_values(self) -> dict[int, float]:
        """Return what the script has put into its summary under watched keys, by their indices."""
        found = {index: self.details.summary_number(key) for key, index in self.spool.watched.items()}
        return {index: value for index, value in found.items() if value is not None}

    def next_points(self, window: int) -> v1.AttachRequest | None:
        """Return points, if there are any and the window has room."""
        sent = self._points.sent
        if self._ref is None or sent >= self.spool.last_row or not self._points.may_send(window):
            return None
        rows = self.spool.rows(sent)
        while True:
            message = codec.points(self._ref, rows, first_row=sent + 1)
            size = message.ByteSize()
            if size <= _LARGEST_MESSAGE or len(rows) == 1:
                break
            rows = rows[: len(rows) // 2]
        self._points = self._points.sending(rows[-1].number, size, self._monotonic())
        return message

    def next_log(self, window: int) -> v1.AttachRequest | None:
        """Return a piece of the log, if there is one and the window has room."""
        sent = self._logs.sent
        if self._ref is None or sent >= self._log_size or not self._logs.may_send(window):
            return None
        try:
            with self._open_log() as file:
                file.seek(sent)
                content = file.read(min(LOG_CHUNK, self._log_size - sent))
        except OSError:
            content = b""
        if not content:
            return None
        self._logs = self._logs.sending(sent + len(content), len(content), self._monotonic())
        return v1.AttachRequest(log=v1.LogReport(attempt=self._ref, offset=sent, content=content))

    def next_sample(self, window: int) -> v1.AttachRequest | None:
        """Return samples, if there are any and the window has room."""
        return None if self._ref is None else self.system.next(self._ref, window)

    def next_file(self, window: int) -> v1.AttachRequest | None:
        """Return a piece of a file, if there is one and the window has room."""
        return None if self._ref is None else self.files.next(self._ref, window)

    def acknowledged(self, ack: v1.Ack) -> float | None:
        """Take note of what is safe; return the round trip of its rows, None if they did not move."""
        now = self._monotonic()
        self.details.acknowledged(ack)
        self.files.acknowledged(ack)
        self.system.acknowledged(ack)
        trips: list[float | None] = []
        if ack.HasField("observation_row"):
            trips.append(self._observations.round_trip(ack.observation_row, now))
            sent = self._observations.sent
            self._observations = self._observations.acknowledged(ack.observation_row, now)
            if self._observations.sent < sent:
                self._exit_sent = None  # it was not accepted: rows before it are missing there
        if ack.HasField("point_row"):
            trips.append(self._points.round_trip(ack.point_row, now))
            self._points = self._points.acknowledged(ack.point_row, now)
        if ack.HasField("log_offset"):
            self._logs = self._logs.acknowledged(ack.log_offset, now)
        return min((trip for trip in trips if trip is not None), default=None)

    def exit_round_trip(self) -> float | None:
        """Return the seconds since the end was sent; None if it was not, on this stream."""
        return None if self._exit_sent is None else self._monotonic() - self._exit_sent

    @property
    def exit_sent(self) -> bool:
        """Whether the end went out on this stream."""
        return self._exit_sent is not None

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        try:
            with self._open_log() as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - _TAIL_BYTES))
                content = file.read()
        except OSError:
            return ""
        return "\n".join(content.decode(errors="replace").splitlines()[-_TAIL_LINES:])

    def _open_log(self) -> BinaryIO:
        return os.fdopen(open_inside(self._log.parent, self._log.name), "rb")


def _given(cursors: v1.AttemptVerdict | None, name: str) -> int | None:
    if cursors is None or not cursors.HasField(name):  # type: ignore[arg-type]  # one of its three optional fields
        return None
    value: int = getattr(cursors, name)
    return value
