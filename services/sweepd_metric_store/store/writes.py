"""Writing side of the store: stages and writes new rows, and compares repeated rows with stored ones."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sweepd_kernel.clock import Clock
from sweepd_kernel.pairing.store import Counter, ensure_identity
from sweepd_kernel.sql.database import Connection, Engine
from sweepd_kernel.sql.schema import ensure_schema
from sweepd_metric_store import encoding
from sweepd_metric_store.domain.batch import Standing, Stretch, bytes_standing, differing_row, standing
from sweepd_metric_store.domain.packing import MalformedBatchError, check_range, pack
from sweepd_metric_store.domain.view import windowed
from sweepd_metric_store.ports import Arrival, FileArrived, LogArrived, PointsArrived, Stored
from sweepd_metric_store.store import files, logs, series
from sweepd_metric_store.store.ledger import AttemptState, Conflict, Ledger, SeriesState
from sweepd_metric_store.store.series import read_chunks
from sweepd_metric_store.store.tables_sql import SCHEMA

MAX_NAME = 1_024
"""Maximum length of a full name in characters; the names that the scheduler assigns are much shorter."""
MAX_LOG_PIECE = 256 * 1024
_MAX_COMPLAINTS = 5


def stage(arrival: Arrival, connection: Connection, ledger: Ledger) -> Stored:
    """Add the new part of `arrival` to the ledger, without writing."""
    name = arrival.name
    if not (_is_name(name.run) and _is_name(name.sweep) and name.attempt):
        return Stored(name=name, cursor=0, rejection="the sweep, run or attempt is missing or invalid")
    attempt = ledger.attempt(name)
    match arrival:
        case PointsArrived():
            return _stage_points(arrival, attempt, connection, ledger)
        case LogArrived():
            return _stage_log(arrival, attempt, connection, ledger)
        case FileArrived():
            return Stored(name=name, cursor=0)  # the outcome is determined within the transaction


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME and "\0" not in text


def is_piece_of_file(arrival: Arrival, answer: Stored) -> bool:
    """Return True if an arrival is a piece of a file, and was not rejected."""
    return isinstance(arrival, FileArrived) and not answer.rejection


def _conflict(known: Conflict | None, complaint: str, first: int, last: int) -> Conflict | None:
    """Return the conflict after an arrival from `first` to `last`; a match may end the known one."""
    if complaint:
        return Conflict(min(first, known.at) if known else first, complaint)
    return None if known and first <= known.at <= last else known


def _refused(arrival: Arrival, cursor: int, conflict: Conflict) -> Stored:
    """Return the refusal of an arrival that differs from the store: two attempts may have the same name."""
    return Stored(name=arrival.name, cursor=cursor, rejection=conflict.complaint, refused=True)


def _stage_points(
    arrival: PointsArrived, attempt: AttemptState, connection: Connection, ledger: Ledger
) -> Stored:
    name, batch = arrival.name, arrival.batch
    try:
        check_range(batch.first_row, batch.last_row)
    except MalformedBatchError as error:
        return Stored(name=name, cursor=attempt.point_row, rejection=str(error))
    known = batch.first_row <= attempt.point_row
    complaint = _complaint_of_points(connection, attempt, arrival) if known else ""
    conflict = _conflict(attempt.points_conflict, complaint, batch.first_row, batch.last_row)
    attempt.points_conflict = conflict
    if conflict is not None:
        return _refused(arrival, attempt.point_row, conflict)
    if standing(attempt.point_row, batch.first_row, batch.last_row) is not Standing.NEXT:
        return Stored(name=name, cursor=attempt.point_row)
    rejection = _stage_batch(arrival, attempt, ledger)
    attempt.point_row = batch.last_row
    if arrival.resumed_from_step is not None:
        attempt.resumed_from_step = arrival.resumed_from_step
    ledger.touch(name, attempt)
    return Stored(name=name, cursor=attempt.point_row, rejection=rejection, fresh=True)


def _stage_batch(arrival: PointsArrived, attempt: AttemptState, ledger: Ledger) -> str:
    """Add the pieces of a batch to the ledger; return complaints about values left out."""
    try:
        packed = pack(arrival.batch, after=attempt.point_row, known_keys=attempt.run.keys)
    except MalformedBatchError as error:
        return str(error)
    for piece in packed.pieces:
        ledger.series(attempt, piece.key).arrived.append(piece.stretch)
    named, more = packed.complaints[:_MAX_COMPLAINTS], packed.complaints[_MAX_COMPLAINTS:]
    return "; ".join([*named, f"and {len(more)} more"] if more else named)


def _stage_log(arrival: LogArrived, attempt: AttemptState, connection: Connection, ledger: Ledger) -> Stored:
    cursor = attempt.log_offset
    # Store only the start of an oversized piece; the sender continues at the cursor.
    content = arrival.content[:MAX_LOG_PIECE]
    complaint = _complaint_of_log(connection, attempt, arrival) if arrival.offset < cursor else ""
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


def _complaint_of_points(connection: Connection, attempt: AttemptState, arrival: PointsArrived) -> str:
    """Return a complaint about a row that is stored with a different value or type, or ""."""
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
        stored = _SeriesContent(connection, attempt.series.get(piece.key))
        found = list(stored.between(repeated.spine.rows[0], repeated.spine.rows[-1]))
        if stored.is_damaged:
            continue
        row = differing_row(repeated, found, missing_differs=not packed.complaints)
        if row is not None:
            return f"row {row} is stored with a different value of {piece.key!r}"
    return ""


def _complaint_of_log(connection: Connection, attempt: AttemptState, arrival: LogArrived) -> str:
    """Return a complaint if the stored bytes are different, or ""."""
    repeated = arrival.content[: max(0, attempt.log_offset - arrival.offset)]
    arrived = b"".join(attempt.log_arrived)
    committed = attempt.log_offset - len(arrived)
    stored = logs.stored(
        connection, attempt.id, arrival.offset, min(committed, arrival.offset + len(repeated))
    )
    if stored is None:
        return ""
    stored += arrived[max(0, arrival.offset - committed) :]
    if stored[: len(repeated)] == repeated:
        return ""
    return f"different bytes are stored from offset {arrival.offset} on"


class _SeriesContent:
    """Stretches of a series, committed and staged."""

    def __init__(self, connection: Connection, series: SeriesState | None) -> None:
        self._connection = connection
        self._series = series
        self.is_damaged = False

    def between(self, first_row: int, last_row: int) -> Iterator[Stretch]:
        """Yield the committed stretches that overlap these rows, and all staged ones."""
        if self._series is None:
            return
        found = read_chunks(
            self._connection, self._series.id, self._record_damage, first_row=first_row, last_row=last_row
        )
        yield from (encoding.stretch(chunk.body) for chunk in found)
        yield from self._series.arrived

    def _record_damage(self) -> None:
        self.is_damaged = True


IDLE_SECONDS = 30.0
"""Seconds without an arrival after which an attempt counts as idle, and its small pieces are joined."""

_NEWEST = (
    "select checksum from chunk order by series_id desc, first_row desc limit 1",
    "select checksum from log_piece order by attempt_id desc, first_offset desc limit 1",
)
"""Statements run when the database is opened, to detect damage to the newest rows before rows are added."""


class SqlWrites:
    """Implementation of `MetricWrites`; opens its database when needed, and reopens it after an error."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._opened: tuple[Connection, Ledger] | None = None
        self._counter = Counter()

    def commit(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Store `arrivals` in one transaction; see the port."""
        with self._database() as (connection, ledger):
            answers = [stage(arrival, connection, ledger) for arrival in arrivals]
            pieces = [at for at, arrival in enumerate(arrivals) if is_piece_of_file(arrival, answers[at])]
            if ledger.changed or pieces:
                with connection.transaction():
                    self._counter.count(connection)
                    ledger.write_names()
                    series.write(connection, ledger)
                    logs.write(connection, ledger)
                    ledger.write_states()
                    for at in pieces:
                        arrival = arrivals[at]
                        assert isinstance(arrival, FileArrived)
                        attempt = ledger.attempt(arrival.name)
                        answers[at] = files.store(connection, attempt, arrival)
                self._counter.settle()
            ledger.settle(self._clock.monotonic())
            return answers

    def compact(self) -> bool:
        """Join small pieces of idle attempts; see the port."""
        with self._database() as (connection, ledger):
            busy = ledger.active_since(self._clock.monotonic() - IDLE_SECONDS)
            with connection.transaction():
                joined = series.compact(connection, busy) | logs.compact(connection, busy)
            ledger.evict(joined)
            return bool(joined)

    def open(self) -> None:
        """Open the database immediately, to detect an unusable one at startup.

        Raises:
            DomainError: the database cannot be opened yet; every commit retries.
            StartError: this version cannot use the database.
        """
        with self._database():
            pass

    def close(self) -> None:
        """Close the database."""
        if self._opened is not None:
            connection, _ = self._opened
            self._opened = None
            connection.close()

    @contextmanager
    def _database(self) -> Iterator[tuple[Connection, Ledger]]:
        """Yield the open database; on any failure drop staged changes and close it."""
        try:
            if self._opened is None:
                self._opened = self._open()
            yield self._opened
        except BaseException:
            self.close()
            raise

    def _open(self) -> tuple[Connection, Ledger]:
        ensure_schema(self._engine, SCHEMA)
        connection = self._engine.connect()
        try:
            ensure_identity(connection)
            for newest in _NEWEST:
                connection.execute(newest).first()
            # The file may have been replaced by another database, which has other commits.
            self._counter = Counter()
            return connection, Ledger(connection)
        except BaseException:
            connection.close()
            raise
