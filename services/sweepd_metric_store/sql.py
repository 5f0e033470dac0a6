"""The SQLite store as its one writer uses it: what it is handed becomes one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sweepd_kernel import pairing_sql
from sweepd_kernel.clock import Clock
from sweepd_kernel.database import DEFECTS, close_whole, open_sqlite, storage_error
from sweepd_kernel.errors import DomainError, StartError
from sweepd_kernel.schema import ensure_schema
from sweepd_metric_store import sql_chunks, sql_files, sql_known, sql_logs
from sweepd_metric_store.domain.chunks import MalformedBatchError, check_range, pack
from sweepd_metric_store.domain.cursor import Standing, bytes_standing, standing
from sweepd_metric_store.ledger import AttemptState, Conflict, Ledger
from sweepd_metric_store.ports import Arrival, FileArrived, LogArrived, PointsArrived, Stored

SERVICE = "metric-store"
DATABASE = "metrics.sqlite"
MAX_NAME = 1_024
"""Characters of a full name; far beyond what the scheduler gives."""
MAX_LOG_PIECE = 256 * 1024
REST_SECONDS = 30.0
"""An attempt is at rest, so that its small pieces are worth joining, after this long without an arrival."""
_NAMED_COMPLAINTS = 5


class SqliteWrites:
    """Implements `MetricWrites`; opens its database when it can, and again after an error."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = folder / DATABASE
        self._clock = clock
        self._opened: tuple[sqlite3.Connection, Ledger] | None = None
        self._counter = pairing_sql.Counter()

    def commit(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Store `arrivals` in one transaction; see the port."""
        with self._storing() as (connection, ledger):
            answers = [_staged(arrival, connection, ledger) for arrival in arrivals]
            files = [at for at, arrival in enumerate(arrivals) if _is_piece_of_file(arrival, answers[at])]
            if ledger.changed or files:
                with _transaction(connection):
                    self._counter.count(connection)
                    ledger.write_names()
                    sql_chunks.write(connection, ledger)
                    sql_logs.write(connection, ledger)
                    ledger.write_states()
                    for at in files:
                        arrival = arrivals[at]
                        assert isinstance(arrival, FileArrived)
                        attempt = ledger.attempt(arrival.name)
                        answers[at] = sql_files.store(connection, attempt, arrival)
                self._counter.settle()
            ledger.settle(self._clock.monotonic())
            return answers

    def tidy(self) -> bool:
        """Join small pieces of attempts at rest; see the port."""
        with self._storing() as (connection, ledger):
            busy = ledger.active_since(self._clock.monotonic() - REST_SECONDS)
            with _transaction(connection):
                joined = sql_chunks.tidy(connection, busy) | sql_logs.tidy(connection, busy)
            ledger.forget(joined)
            return bool(joined)

    def open(self) -> None:
        """Open the database now, so that trouble with it shows at the start.

        Raises:
            DomainError: it cannot be opened yet; every commit tries again.
            StartError: it is not one that this version can use.
        """
        with self._storing():
            pass

    def close(self) -> None:
        """Let the database go."""
        if self._opened is not None:
            close_whole(self._opened[0])
            self._opened = None

    @contextmanager
    def _storing(self) -> Iterator[tuple[sqlite3.Connection, Ledger]]:
        """Lend the database; whatever fails, what was staged is dropped and the next call opens it anew."""
        try:
            if self._opened is None:
                self._opened = self._open()
            yield self._opened
        except (DomainError, StartError, *DEFECTS):
            self._abandon()
            raise
        except (sqlite3.Error, OSError) as error:
            self._abandon()
            raise storage_error(error, SERVICE, self._path) from error
        except BaseException:
            self._abandon()
            raise

    def _open(self) -> tuple[sqlite3.Connection, Ledger]:
        ensure_schema(self._path, "sweepd_metric_store")
        connection = open_sqlite(self._path)
        try:
            pairing_sql.ensure_identity(connection)
            # A database that was put in the place of the one before has a history of its own.
            self._counter = pairing_sql.Counter()
            return connection, Ledger(connection)
        except BaseException:
            connection.close()
            raise

    def _abandon(self) -> None:
        try:
            self.close()
        except sqlite3.Error:
            self._opened = None


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("begin immediate")
    yield
    connection.execute("commit")


def _staged(arrival: Arrival, connection: sqlite3.Connection, ledger: Ledger) -> Stored:
    """Note what is new in `arrival`; nothing is written yet."""
    name = arrival.name
    if not (0 < len(name.run) <= MAX_NAME and 0 < len(name.sweep) <= MAX_NAME and name.attempt):
        return Stored(name=name, cursor=0, rejection="it does not name its sweep, run and attempt")
    attempt = ledger.attempt(name)
    match arrival:
        case PointsArrived():
            return _staged_points(arrival, attempt, connection, ledger)
        case LogArrived():
            return _staged_log(arrival, attempt, connection, ledger)
        case FileArrived():
            return Stored(name=name, cursor=0)  # what becomes of it shows in the transaction


def _is_piece_of_file(arrival: Arrival, answer: Stored) -> bool:
    return isinstance(arrival, FileArrived) and not answer.rejection


def _conflict(known: Conflict | None, complaint: str, first: int, last: int) -> Conflict | None:
    """Return the conflict after an arrival from `first` to `last`; it ends once that is as stored."""
    if complaint:
        return Conflict(min(first, known.at) if known else first, complaint)
    return None if known and first <= known.at <= last else known


def _refused(arrival: Arrival, cursor: int, conflict: Conflict) -> Stored:
    """Return the answer to what differs from what is stored: it may be of another attempt with this name."""
    return Stored(name=arrival.name, cursor=cursor, rejection=conflict.complaint, refused=True)


def _staged_points(
    arrival: PointsArrived, attempt: AttemptState, connection: sqlite3.Connection, ledger: Ledger
) -> Stored:
    name, batch = arrival.name, arrival.batch
    try:
        check_range(batch.first_row, batch.last_row)
    except MalformedBatchError as error:
        return Stored(name=name, cursor=attempt.point_row, rejection=str(error))
    known = batch.first_row <= attempt.point_row
    complaint = sql_known.complaint_of_points(connection, attempt, arrival) if known else ""
    conflict = _conflict(attempt.points_conflict, complaint, batch.first_row, batch.last_row)
    attempt.points_conflict = conflict
    if conflict is not None:
        return _refused(arrival, attempt.point_row, conflict)
    if standing(attempt.point_row, batch.first_row, batch.last_row) is not Standing.NEXT:
        return Stored(name=name, cursor=attempt.point_row)
    rejection = _staged_batch(arrival, attempt, ledger)
    attempt.point_row = batch.last_row
    if arrival.resumed_from_step is not None:
        attempt.resumed_from_step = arrival.resumed_from_step
    ledger.touch(name, attempt)
    return Stored(name=name, cursor=attempt.point_row, rejection=rejection, fresh=True)


def _staged_batch(arrival: PointsArrived, attempt: AttemptState, ledger: Ledger) -> str:
    """Note the pieces of a batch; say what was left out of it."""
    try:
        packed = pack(arrival.batch, after=attempt.point_row, known_keys=attempt.run.keys)
    except MalformedBatchError as error:
        return str(error)
    for piece in packed.pieces:
        ledger.series(attempt, piece.key).arrived.append(piece.stretch)
    named, more = packed.complaints[:_NAMED_COMPLAINTS], packed.complaints[_NAMED_COMPLAINTS:]
    return "; ".join([*named, f"and {len(more)} more"] if more else named)


def _staged_log(
    arrival: LogArrived, attempt: AttemptState, connection: sqlite3.Connection, ledger: Ledger
) -> Stored:
    cursor = attempt.log_offset
    # Of a piece that is too long the beginning is stored; the cursor tells the sender where to go on.
    content = arrival.content[:MAX_LOG_PIECE]
    complaint = sql_known.complaint_of_log(connection, attempt, arrival) if arrival.offset < cursor else ""
    conflict = _conflict(attempt.log_conflict, complaint, arrival.offset, arrival.offset + len(content))
    attempt.log_conflict = conflict
    if conflict is not None:
        return _refused(arrival, cursor, conflict)
    if bytes_standing(cursor, arrival.offset, len(content)) is not Standing.NEXT:
        return Stored(name=arrival.name, cursor=cursor)
    fresh = content[cursor - arrival.offset :]
    attempt.log_arrived.append(fresh)
    attempt.log_offset += len(fresh)
    ledger.touch(arrival.name, attempt)
    return Stored(name=arrival.name, cursor=attempt.log_offset, fresh=True)
