"""Attempts of this database, for `sweepd pair`."""

from collections.abc import Set as AbstractSet

from sweepd_kernel.service import AttemptKey, PairedDatabase
from sweepd_kernel.sql.database import Connection
from sweepd_scheduler.domain.names import Parent, RunName, SweepName
from sweepd_scheduler.store.tables_sql import SCHEMA

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
