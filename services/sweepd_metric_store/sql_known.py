"""Compares what arrives again with what is stored; only what overlaps is read, so new rows cost nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from sweepd_metric_store import codec, sql_chunk_rows, sql_logs
from sweepd_metric_store.domain.batch import Stretch
from sweepd_metric_store.domain.chunks import MalformedBatchError, pack
from sweepd_metric_store.domain.known_rows import differing_row
from sweepd_metric_store.domain.view import windowed
from sweepd_metric_store.ledger import AttemptState, SeriesState
from sweepd_metric_store.ports import LogArrived, PointsArrived


def complaint_of_points(connection: sqlite3.Connection, attempt: AttemptState, arrival: PointsArrived) -> str:
    """Say which row of a batch is stored with another value; empty: none is."""
    batch = arrival.batch
    last = min(batch.last_row, attempt.point_row)
    try:
        packed = pack(batch, after=batch.first_row - 1, known_keys=attempt.run.keys)
    except MalformedBatchError:
        return ""
    for piece in packed.pieces:
        repeated = windowed(piece.stretch, first_row=batch.first_row, last_row=last)
        if not len(repeated):
            continue
        stored = _Stored(connection, attempt.series.get(piece.key))
        found = list(stored.between(repeated.spine.rows[0], repeated.spine.rows[-1]))
        if stored.is_damaged:
            continue
        row = differing_row(repeated, found, missing_differs=not packed.complaints)
        if row is not None:
            return f"row {row} is stored with another value of {piece.key!r}"
    return ""


def complaint_of_log(connection: sqlite3.Connection, attempt: AttemptState, arrival: LogArrived) -> str:
    """Say that bytes of a piece are stored as others; empty: they are not."""
    repeated = arrival.content[: max(0, attempt.log_offset - arrival.offset)]
    arrived = b"".join(attempt.log_arrived)
    committed = attempt.log_offset - len(arrived)
    stored = sql_logs.stored(
        connection, attempt.id, arrival.offset, min(committed, arrival.offset + len(repeated))
    )
    if stored is None:
        return ""
    stored += arrived[max(0, arrival.offset - committed) :]
    if stored[: len(repeated)] == repeated:
        return ""
    return f"other bytes are stored from offset {arrival.offset} on"


class _Stored:
    """Content of a series, committed or about to be."""

    def __init__(self, connection: sqlite3.Connection, series: SeriesState | None) -> None:
        self._connection = connection
        self._series = series
        self.is_damaged = False

    def between(self, first_row: int, last_row: int) -> Iterator[Stretch]:
        """Yield the stretches that reach into some rows."""
        if self._series is None:
            return
        chunks = sql_chunk_rows.read(
            self._connection, self._series.id, self._note_damage, first_row=first_row, last_row=last_row
        )
        yield from (codec.stretch(chunk.body) for chunk in chunks)
        yield from self._series.arrived

    def _note_damage(self) -> None:
        self.is_damaged = True
