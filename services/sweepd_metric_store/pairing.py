"""Comparison with the scheduler's database; its result decides whether calls may write and read.

The module also has the metric store's part of `sweepd pair`: listing and removing attempts.
"""

import asyncio
import logging
from collections.abc import Set as AbstractSet
from contextlib import closing

from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DatabasesDifferError, DomainError, UnavailableError
from sweepd_kernel.pairing import store
from sweepd_kernel.pairing.comparison import Database, DelayedPositions, Peer, mismatch
from sweepd_kernel.service import AttemptKey, PairedDatabase
from sweepd_kernel.sql.database import Connection, Engine
from sweepd_metric_store.ports import SYSTEM
from sweepd_metric_store.store.tables_sql import SCHEMA

DATABASE = "metrics.sqlite"


class Pairing:
    """Result of the comparison with the scheduler's database; `compare` must not run concurrently.

    The database file is reopened for each comparison, since it may have been replaced.
    """

    def __init__(self, engine: Engine, service: str, clock: Clock, log: logging.Logger) -> None:
        self.address = ""
        self._engine = engine
        self._service = service
        self._clock = clock
        self._log = log
        self._delayed = DelayedPositions()
        self._is_paired = False
        self._was_paired = False
        self._refusal: DatabasesDifferError | None = None

    def open(self) -> None:
        """Read whether the database was ever paired with a scheduler.

        Raises:
            DomainError: the database cannot be read.
        """
        self._was_paired = self._read().peer is not None

    async def compare(self, scheduler: Database, *, stopping: bool) -> Database:
        """Compare the scheduler's database with this one; return the state of this one.

        Raises:
            DatabasesDifferError: the databases are not a pair; all calls are refused from now on.
            DomainError: this database cannot be read or written.
        """
        try:
            own = await asyncio.to_thread(self._compared, scheduler, stopping)
        except DatabasesDifferError as error:
            if self._refusal is None or self._refusal.message != error.message:
                self._log.error(error.message)
            self._is_paired, self._refusal = False, error
            raise
        except DomainError:
            self._is_paired = False
            raise
        self._is_paired, self._was_paired, self._refusal = True, True, None
        return own

    def require_writable(self) -> None:
        """Raise an error unless the scheduler's database was compared and is paired with this one.

        Raises:
            DomainError: the databases were not compared, or are not a pair.
        """
        if self._refusal is not None:
            raise self._refusal.with_traceback(None)  # otherwise its traceback grows with each call
        if not self._is_paired:
            raise UnavailableError(self._service, self.address, "the scheduler has not connected to it yet")

    def require_readable(self) -> None:
        """Raise an error if this database was never paired, since it may be a new one in place of a lost one.

        Raises:
            DomainError: the database was never paired, or the last comparison found a mismatch.
        """
        if self._refusal is not None or not self._was_paired:
            self.require_writable()

    def _compared(self, scheduler: Database, stopping: bool) -> Database:
        own = self._read()
        found = mismatch(scheduler, own)
        if found is not None:
            raise DatabasesDifferError(str(found), found.place, found.other)
        now = self._clock.monotonic()
        self._delayed.add(scheduler.position, now)
        due = self._delayed.due(now, at_once=stopping)
        is_new = own.peer is None or own.peer.database != scheduler.id
        if is_new or (due is not None and due != (own.peer and own.peer.position)):
            self._remember(Peer(scheduler.id, due))
        return own

    def _read(self) -> Database:
        with closing(self._engine.connect(read_only=True)) as connection:
            return store.read(connection, self._engine.place)

    def _remember(self, peer: Peer) -> None:
        with closing(self._engine.connect()) as connection:
            store.remember(connection, peer)


def stored_attempts(connection: Connection) -> AbstractSet[AttemptKey]:
    """Return every stored attempt; samples count as part of their attempt."""
    return {(str(run), number) for run, number in connection.execute(_STORED, (SYSTEM,))}


def remove_attempts(connection: Connection, attempts: AbstractSet[AttemptKey]) -> None:
    """Remove attempts, their data, and all rows that only they refer to, in the caller's transaction."""
    for run, number in attempts:
        connection.execute(_REMOVE, (run, run + SYSTEM, number))
    for statement in _CLEAR:
        connection.execute(statement)


_STORED = "select replace(r.name, ?, ''), a.number from run r join attempt a on a.run_id = r.id"
_REMOVE = """
    delete from attempt where id in (
        select a.id from attempt a join run r on r.id = a.run_id where r.name in (?, ?) and a.number = ?)"""
_CLEAR = (
    "delete from run where id not in (select run_id from attempt)",
    "delete from sweep where id not in (select sweep_id from run)",
    """delete from file_blob where id not in (
        select blob_id from file where blob_id is not null union all select blob_id from file_upload)""",
    "delete from file_piece where blob_id not in (select id from file_blob)",
)
PAIRED = PairedDatabase(file=DATABASE, schema=SCHEMA, attempts=stored_attempts, remove=remove_attempts)
