"""The owner's side of the database: each batch is one transaction; remembered requests and their quotas."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress

from sweepd_kernel.errors import DatabasesDifferError, StorageError
from sweepd_kernel.pairing import store as pairing
from sweepd_kernel.pairing.comparison import REMEDY, Database, Peer
from sweepd_kernel.service import AttemptKey, PairedDatabase
from sweepd_kernel.sql.database import Connection, Engine
from sweepd_scheduler.domain.effects import Change
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
from sweepd_scheduler.domain.requests.remembered import (
    ALL_PROJECTS,
    EVERYBODY,
    Owner,
    Recollection,
    Remembered,
    RequestKey,
    Used,
    charged,
)
from sweepd_scheduler.store.changes import ADD_TO_QUOTA, statements
from sweepd_scheduler.store.loading import load
from sweepd_scheduler.store.ports import Loaded
from sweepd_scheduler.store.tables_sql import REQUEST, SCHEMA, request_of

FORGOTTEN_AT_ONCE = 500
_FORGET = (
    "delete from request where (account, project, id) in"
    " (select account, project, id from request where time < ? order by time limit ?)"
    " returning account, project, size_bytes"
)


def recall(connection: Connection, keys: Collection[RequestKey]) -> Recollection:
    """Return what is remembered of some requests, and of the quotas that they are charged to."""
    owners = {owner for key in keys for owner in charged(key)} | {EVERYBODY}
    found = [(key, _request(connection, key)) for key in keys]
    return Recollection(
        requests={key: each for key, each in found if each},
        used={owner: _used(connection, owner) for owner in owners},
    )


def forget(connection: Connection, before: int) -> None:
    """Forget requests that are old: a bounded number, as agents wait for commits meanwhile."""
    oldest = connection.execute("select min(time) from request").first()
    if oldest is None or oldest[0] is None or oldest[0] >= before:
        return
    with connection.transaction():
        gone = connection.execute(_FORGET, (before, FORGOTTEN_AT_ONCE)).all()
        freed = [(account, project, -size) for account, project, size in gone]
        freed += [(account, ALL_PROJECTS, -size) for account, _, size in gone]
        freed.append((*EVERYBODY, -sum(size for _, _, size in gone)))
        connection.execute_many(ADD_TO_QUOTA, freed)
        connection.execute("delete from request_quota where size_bytes <= 0")


def _request(connection: Connection, key: RequestKey) -> Remembered | None:
    row = connection.execute(
        f"select {REQUEST} from request where account = ? and project = ? and id = ?",
        (key.account, key.project, key.request_id),
    ).first()
    return request_of(row) if row else None


def _used(connection: Connection, owner: Owner) -> Used:
    where, count = " where account = ? and project = ?", 2
    if owner == EVERYBODY:
        where, count = "", 0
    elif owner[1] == ALL_PROJECTS:
        where, count = " where account = ?", 1
    size = connection.execute(
        "select size_bytes from request_quota where account = ? and project = ?", owner
    ).first()
    oldest = connection.execute(f"select min(time) from request{where}", owner[:count]).first()
    return Used(size_bytes=size[0] if size else 0, oldest=(oldest[0] or 0) if oldest else 0)


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
            forget(self._connection, forget_before)
        return recall(self._connection, keys)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


DATABASE = "scheduler.sqlite"
_HANDED_OUT = (
    "select s.entity, s.project, s.sweep, r.number, r.digest, a.number"
    " from attempt a join run r on r.sweep_id = a.sweep_id and r.number = a.run"
    " join sweep s on s.id = a.sweep_id"
)


def known_attempts(connection: Connection) -> AbstractSet[AttemptKey]:
    """Return every attempt that was ever handed out, by the full name of its run."""
    return {
        (_name(entity, project, sweep, number, digest), attempt)
        for entity, project, sweep, number, digest, attempt in connection.execute(_HANDED_OUT)
    }


def _name(entity: str, project: str, sweep: str, number: int, digest: bytes) -> str:
    # A run that belongs to no sweep has its id in place of a digest.
    return str(RunName(SweepName(Parent(entity, project), sweep), number, "" if sweep else digest.decode()))


PAIRED = PairedDatabase(file=DATABASE, schema=SCHEMA, attempts=known_attempts)
