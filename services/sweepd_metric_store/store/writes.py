"""Writing side of the store, used by one thread: the arrivals of each call become one transaction."""

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
from sweepd_metric_store.ports import Arrival, FileArrived, Stored
from sweepd_metric_store.store import files, logs, series
from sweepd_metric_store.store.ledger import Ledger
from sweepd_metric_store.store.staging import is_piece_of_file, staged

SERVICE = "metric-store"
DATABASE = "metrics.sqlite"
IDLE_SECONDS = 30.0
"""An attempt without an arrival for this long is idle, so that joining its small pieces is worthwhile."""


class SqliteWrites:
    """Implementation of `MetricWrites`; opens its database when possible, and again after an error."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = folder / DATABASE
        self._clock = clock
        self._opened: tuple[sqlite3.Connection, Ledger] | None = None
        self._counter = pairing_sql.Counter()

    def commit(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Store `arrivals` in one transaction; see the port."""
        with self._storing() as (connection, ledger):
            answers = [staged(arrival, connection, ledger) for arrival in arrivals]
            pieces = [at for at, arrival in enumerate(arrivals) if is_piece_of_file(arrival, answers[at])]
            if ledger.changed or pieces:
                with _transaction(connection):
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
            with _transaction(connection):
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
            close_whole(self._opened[0])
            self._opened = None

    @contextmanager
    def _storing(self) -> Iterator[tuple[sqlite3.Connection, Ledger]]:
        """Yield the database; on any failure drop what was staged, so that the next call opens it again."""
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
            # The file may have been replaced: another database has a history of its own.
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
