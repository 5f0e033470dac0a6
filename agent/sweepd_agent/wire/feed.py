"""Feed of an attempt: its reports for the stream, and the acknowledgements of the server.

Lanes are sent after details, observations and the end.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from sweepd import v1
from sweepd_agent.core.attempt import AttemptKey, Exit
from sweepd_agent.core.cursors import Cursor
from sweepd_agent.core.numbering import MAX_LOGGED_KEYS
from sweepd_agent.files.details import Details
from sweepd_agent.files.run_files import RunFiles
from sweepd_agent.files.spool import Spool, SystemRows
from sweepd_agent.wire import codec
from sweepd_agent.wire.lanes import Lane, LogFile, Rows, Source

# Lanes whose acknowledgements are logged.
_ROW_LANES = frozenset({v1.LANE_OBSERVATIONS, v1.LANE_POINTS})


class Feed:
    """Reports of an attempt, which the stream pulls one by one when it can send.

    Args:
        acked: cursors stored by an earlier agent.
        exit_acked: whether an earlier agent recorded that the end is stored.
    """

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
        acked: Mapping[v1.Lane.ValueType, int],
        exit_acked: bool = False,
    ) -> None:
        self.key = key
        self.details = details
        self.files = files
        self.system = system
        self.spool = spool
        self.exit_acked = exit_acked
        self.log = LogFile(log, size=acked.get(v1.LANE_LOG, 0))
        self._monotonic = monotonic
        self.ref: v1.AttemptRef | None = None  # None while the feed is closed
        row = acked.get(v1.LANE_OBSERVATIONS, 0)
        self._observations = Cursor(acked=row, sent=row)
        self._exit: Exit | None = None
        self._exit_sent: float | None = None
        sources: dict[v1.Lane.ValueType, Source] = {
            v1.LANE_POINTS: Rows(spool),
            v1.LANE_SAMPLES: Rows(system.spool),
            v1.LANE_LOG: self.log,
            v1.LANE_FILES: files,
        }
        self._lanes = {
            kind: Lane(kind, source, monotonic, acked=acked.get(kind, 0)) for kind, source in sources.items()
        }

    def reset(self) -> None:
        """Treat everything as undelivered, as the other side has no data of the attempt."""
        self._observations = Cursor()
        self.exit_acked = False
        self.details.reset()
        self.files.reset()
        for lane in self._lanes.values():
            lane.reset()

    @property
    def acked(self) -> dict[v1.Lane.ValueType, int]:
        """Acknowledged cursors by lane, without files and details, whose cursors the other side stores."""
        kept = (v1.LANE_POINTS, v1.LANE_SAMPLES, v1.LANE_LOG)
        return {v1.LANE_OBSERVATIONS: self._observations.acked} | {
            kind: self._lanes[kind].acked for kind in kept
        }

    @property
    def progress(self) -> tuple[object, ...]:
        """Value that changes whenever more data is acknowledged."""
        return *self.acked.values(), self.exit_acked, self.details.acked, self.files.stored

    @property
    def delivered(self) -> bool:
        """True if the attempt has ended and all its data is delivered."""
        return (
            self._exit is not None
            and self.exit_acked
            and self.details.delivered
            and all(lane.delivered for lane in self._lanes.values())
        )

    def open(
        self,
        handle: int,
        windows: Mapping[v1.Lane.ValueType, int],
        stored: Mapping[v1.Lane.ValueType, int] | None = None,
    ) -> None:
        """Begin a new stream, at the cursors of the other side if known."""
        stored = stored or {}
        self.ref = v1.AttemptRef(run_handle=handle, attempt=self.key.attempt)
        self._exit_sent = None
        self._observations = self._observations.on_new_stream(stored.get(v1.LANE_OBSERVATIONS))
        self.details.open(stored.get(v1.LANE_DETAILS))
        for kind, lane in self._lanes.items():
            lane.open(windows.get(kind), stored.get(kind))

    def close(self) -> None:
        """Send nothing until the next stream."""
        self.ref = None

    def finish(self, how: Exit) -> None:
        """Record the end, once the spool has been read to its end and saved."""
        self._exit = how
        self.log.look()

    def next_urgent(self) -> v1.AttachRequest | None:
        """Return details, observations or, after all observations, the end; None if nothing is due."""
        if self.ref is None:
            return None
        # Details come first, as they may contain the step from which the rows continue.
        if details := self.details.next(self.ref):
            return details
        if self.exit_acked:
            return None
        sent = self._observations.sent
        if sent < self.spool.settled:
            items, last = self.spool.observations(sent)
            message = codec.observations(self.ref, sent + 1, last, items)
            self._observations = self._observations.sending(last, message.ByteSize(), self._monotonic())
            return message
        if self._exit is not None and self._exit_sent is None:
            self._exit_sent = self._monotonic()
            return codec.run_exited(
                self.ref,
                self._exit,
                last_row=self.spool.last_row,
                logged_keys=self._logged_keys(),
                summary_values=self._summary_values(),
                log_tail=self.log.tail() if self._exit.failed else "",
                log_bytes=self.log.size,
            )
        return None

    def next_piece(self, kind: v1.Lane.ValueType) -> v1.AttachRequest | None:
        """Return the next piece of a lane; None if there is no piece or the window is full."""
        lane = self._lanes.get(kind)
        return None if lane is None or self.ref is None else lane.next(self.ref)

    def acknowledged(self, ack: v1.Ack) -> float | None:
        """Record an acknowledgement; return the round-trip time of its rows, None if no rows are new."""
        trips = [self._acknowledged(each.lane, each.cursor) for each in ack.cursors]
        return min((trip for trip in trips if trip is not None), default=None)

    def _acknowledged(self, kind: v1.Lane.ValueType, cursor: int) -> float | None:
        trip: float | None = None
        if kind == v1.LANE_OBSERVATIONS:
            now = self._monotonic()
            before = self._observations
            trip = before.round_trip(cursor, now)
            self._observations = before.acknowledged(cursor, now)
            if self._observations.sent < before.sent:
                self._exit_sent = None  # the end was not accepted: the other side lacks rows before it
        elif kind == v1.LANE_DETAILS:
            self.details.acknowledged(cursor)
        elif (lane := self._lanes.get(kind)) is not None:
            trip = lane.acknowledged(cursor)
        return trip if kind in _ROW_LANES else None

    def exit_round_trip(self) -> float | None:
        """Return the seconds since the end was sent on this stream; None if it was not sent."""
        return None if self._exit_sent is None else self._monotonic() - self._exit_sent

    def _logged_keys(self) -> list[str]:
        """Return the logged keys and the keys of summary numbers: the first ones by name, up to a limit."""
        return sorted({*self.spool.numbering.logged_keys, *self.details.summary_names()})[:MAX_LOGGED_KEYS]

    def _summary_values(self) -> dict[int, float]:
        """Return the summary numbers of watched keys, by key index."""
        found = {index: self.details.summary_number(key) for key, index in self.spool.watched.items()}
        return {index: value for index, value in found.items() if value is not None}
