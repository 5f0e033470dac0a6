"""State of a scripted scheduler that follows the contract: attempts, their reports, and streams."""

from __future__ import annotations

import hashlib
import queue
import time
from dataclasses import dataclass, field

from lanes import batch_of
from sweepd import v1


@dataclass
class Attempt:
    """One hand-out and the reports about it."""

    run: str
    number: int
    secret: bytes = b""
    confirmed: bool = False
    pid: int = 0
    argv: list[str] = field(default_factory=list)
    observation_row: int = 0
    point_row: int = 0
    log: bytes = b""
    # The step it continued from, and the newest point row when it last reported that step.
    resumed_from: int | None = None
    resumed_before: int | None = None
    # The details received, oldest first, by their numbers.
    details: list[tuple[int, v1.RunDetails]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    file_number: int = 0
    arriving: bytes = b""
    system_row: int = 0
    samples: list[dict[str, object]] = field(default_factory=list)
    observations: list[tuple[int, int, float]] = field(default_factory=list)
    points: dict[tuple[int, str], object] = field(default_factory=dict)
    steps: dict[int, int] = field(default_factory=dict)
    dropped: int = 0
    exit: v1.RunExited | None = None
    exits: int = 0
    fenced: bool = False
    started_at: float = 0.0
    ended_at: float = 0.0
    handed_out_at: float = 0.0

    def takes_start(self, started: v1.RunStarted) -> None:
        """Record that its process runs."""
        self.pid, self.argv = started.pid, list(started.argv)
        self.started_at = self.started_at or time.monotonic()
        if started.HasField("resumed_from_step"):
            self.resumed_from = started.resumed_from_step
            self.resumed_before = self.point_row if self.resumed_before is None else self.resumed_before

    def takes_observations(self, batch: v1.ObservationBatch) -> None:
        """Keep new rows; drop a batch that leaves a gap."""
        if batch.first_row <= self.observation_row + 1:
            fresh = [o for o in batch.observations if o.row > self.observation_row]
            self.observations += [(o.row, o.key, o.value) for o in fresh]
            self.observation_row = max(self.observation_row, batch.last_row)

    def takes_piece(self, piece: v1.LanePiece) -> int:
        """Keep new data of a lane; return its cursor."""
        match piece.lane:
            case v1.LANE_POINTS:
                self._takes_points(piece.start + 1, piece.end, batch_of(piece))
                return self.point_row
            case v1.LANE_SAMPLES:
                self._takes_samples(piece.start + 1, piece.end, batch_of(piece))
                return self.system_row
            case v1.LANE_LOG:
                if piece.start <= len(self.log):
                    self.log += piece.body[len(self.log) - piece.start :]
                return len(self.log)
            case v1.LANE_FILES:
                self._takes_file(piece.end, v1.FilePiece.FromString(piece.body))
                return self.file_number
            case other:
                raise AssertionError(f"lane {other}")

    def _takes_points(self, first_row: int, last_row: int, batch: v1.PointBatch) -> None:
        """Keep new points, and check that none arrives twice."""
        if not (first_row <= self.point_row + 1 and last_row > self.point_row):
            return
        dropped = {row for r in batch.dropped for row in range(r.first, r.last + 1)}
        rows = [row for row in range(first_row, last_row + 1) if row not in dropped]
        assert len(rows) == len(batch.steps) == len(batch.times)
        new = [row for row in rows if row > self.point_row]
        self.dropped += len(dropped)
        self.steps.update({row: step for row, step in zip(rows, batch.steps, strict=True) if row in new})
        for column in batch.columns:
            values = getattr(column, str(column.WhichOneof("values"))).values
            offsets = column.row_offsets or [row - first_row for row in rows]
            for offset, value in zip(offsets, values, strict=True):
                row = first_row + offset
                if row in new:
                    key = (row, batch.keys[column.key])
                    assert key not in self.points
                    self.points[key] = value
        self.point_row = last_row

    def _takes_file(self, number: int, piece: v1.FilePiece) -> None:
        """Keep a piece by the rule of the contract: the next number, or the first of a higher series."""
        first = number % 2**32 == 1 and number >> 32 > self.file_number >> 32
        if number != self.file_number + 1 and not first:
            return
        self.file_number = number
        if piece.left_out:
            self.left_out[piece.name] = piece.left_out
            return
        self.arriving = piece.content if piece.offset == 0 else self.arriving + piece.content
        assert piece.offset + len(piece.content) == len(self.arriving)
        if piece.digest:
            assert hashlib.sha256(self.arriving).digest() == piece.digest
            assert len(self.arriving) == piece.size_bytes
            self.files[piece.name] = self.arriving

    def _takes_samples(self, first_row: int, last_row: int, batch: v1.PointBatch) -> None:
        """Keep rows of samples that are new."""
        for row in range(max(first_row, self.system_row + 1), last_row + 1):
            at = row - first_row
            sample: dict[str, object] = {"step": batch.steps[at]}
            for column in batch.columns:
                values = getattr(column, str(column.WhichOneof("values"))).values
                offsets = list(column.row_offsets) or list(range(len(batch.steps)))
                if at in offsets:
                    sample[batch.keys[column.key]] = values[offsets.index(at)]
            self.samples.append(sample)
        self.system_row = max(self.system_row, last_row)

    def takes_exit(self, exited: v1.RunExited) -> bool:
        """Record its end; return False if observations before it are missing."""
        self.exits += 1
        if exited.last_row > self.observation_row:
            return False
        self.exit = self.exit or exited
        self.ended_at = self.ended_at or time.monotonic()
        return True


class Session:
    """One stream."""

    def __init__(self, hello: v1.Hello) -> None:
        self.hello = hello
        self.handles: dict[int, Attempt] = {}
        self.outbox: queue.Queue[v1.AttachResponse | Exception | None] = queue.Queue()
        self.wanted = 0
        self.offered = False
        # Numbers of the hand-outs that the agent has not answered yet: its offer may not count them.
        self.unconfirmed: set[int] = set()
        self.said_goodbye = False
        # A hand-out on it now would be lost.
        self.ended = False

    @property
    def room(self) -> int:
        """Number of runs that may still be handed out."""
        return self.wanted - len(self.unconfirmed)

    def send(self, **command: object) -> None:
        """Send a command."""
        self.outbox.put(v1.AttachResponse(**command))  # type: ignore[arg-type]

    def handle(self, attempt: Attempt) -> int:
        """Return the handle of an attempt on this stream."""
        return next(number for number, held in self.handles.items() if held is attempt)
