"""The owner's side of the database: each batch of changes is one transaction."""

from collections.abc import Collection, Sequence
from contextlib import suppress

from sweepd_kernel.errors import DatabasesDifferError, StorageError
from sweepd_kernel.pairing import store as pairing
from sweepd_kernel.pairing.comparison import REMEDY, Database, Peer
from sweepd_kernel.sql.database import Engine
from sweepd_scheduler.domain.decision import Change
from sweepd_scheduler.domain.requests.remembered import Recollection, RequestKey
from sweepd_scheduler.store import requests
from sweepd_scheduler.store.changes import statements
from sweepd_scheduler.store.loading import load
from sweepd_scheduler.store.ports import Loaded

SERVICE = "scheduler"


class SqlStore:
    """Implements `Store`."""

    def __init__(self, engine: Engine) -> None:
        self._place = engine.place
        self._connection = engine.connect()
        self._counter = pairing.Counter()
        pairing.ensure_identity(self._connection)

    def commit(self, changes: Sequence[Change], number: int) -> None:
        """Store all changes durably in one transaction, or nothing."""
        connection = self._connection
        with connection.transaction():
            for statement, rows in statements(changes, number):
                connection.execute_many(statement, rows)
            self._counter.count(connection, number)
        self._counter.settle()

    def database(self) -> Database:
        """Return which database this is, and what it remembers of the metric store's.

        Raises:
            DatabasesDifferError: another one stands in its place, or none: what is written now is lost.
            StorageError: it cannot be read.
        """
        if self._connection.replaced():
            text = f"{self._place} was removed or replaced while it was in use: {REMEDY}"
            raise DatabasesDifferError(text, self._place, "")
        return pairing.read(self._connection, self._place)

    def remember_metric_store(self, peer: Peer) -> None:
        """Store what is known of the metric store's database."""
        with self._connection.transaction():
            pairing.remember(self._connection, peer)

    def load(self) -> Loaded:
        """Return what is held in memory."""
        return load(self._connection)

    def recall(self, keys: Collection[RequestKey], forget_before: int) -> Recollection:
        """Return what is remembered of some requests and their quotas; forget what is old, some at a time."""
        with suppress(StorageError):  # what cannot be forgotten now stays, and so does its room
            requests.forget(self._connection, forget_before)
        return requests.recall(self._connection, keys)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()
