"""Writing side of the store, used by one thread: the arrivals of each call become one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sweepd_kernel.clock import Clock
from sweepd_kernel.pairing.store import Counter, ensure_identity
from sweepd_kernel.sql.database import Connection, Engine
from sweepd_kernel.sql.schema import ensure_schema
from sweepd_metric_store.ports import Arrival, FileArrived, Stored
from sweepd_metric_store.store import files, logs, series
from sweepd_metric_store.store.ledger import Ledger
from sweepd_metric_store.store.staging import is_piece_of_file, staged
from sweepd_metric_store.store.tables_sql import SCHEMA

IDLE_SECONDS = 30.0
"""An attempt without an arrival for this long is idle, so that joining its small pieces is worthwhile."""

_NEWEST = (
    "select checksum from chunk order by series_id desc, first_row desc limit 1",
    "select checksum from log_piece order by attempt_id desc, first_offset desc limit 1",
)
"""Read as the database is opened: damage of the newest rows shows before anything is added behind them."""


class SqlWrites:
    """Implementation of `MetricWrites`; opens its database when possible, and again after an error."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._opened: tuple[Connection, Ledger] | None = None
        self._counter = Counter()

    def commit(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Store `arrivals` in one transaction; see the port."""
        with self._storing() as (connection, ledger):
            answers = [staged(arrival, connection, ledger) for arrival in arrivals]
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
        with self._storing() as (connection, ledger):
            busy = ledger.active_since(self._clock.monotonic() - IDLE_SECONDS)
            with connection.transaction():
                joined = series.compact(connection, busy) | logs.compact(connection, busy)
            ledger.forget(joined)
            return bool(joined)

    def open(self) -> None:
        """Open the database now, so that an unusable one is noticed at the start.

        Raises:
            DomainError: it cannot be opened yet; every commit tries again.
            StartError: this version cannot use it.
        """
        with self._storing():
            pass

    def close(self) -> None:
        """Close the database."""
        if self._opened is not None:
            connection, _ = self._opened
            self._opened = None
            connection.close()

    @contextmanager
    def _storing(self) -> Iterator[tuple[Connection, Ledger]]:
        """Yield the database; on any failure drop what was staged, so that the next call opens it again."""
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
            # The file may have been replaced: another database has a history of its own.
            self._counter = Counter()
            return connection, Ledger(connection)
        except BaseException:
            connection.close()
            raise
