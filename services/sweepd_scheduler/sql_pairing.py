"""Attempts of this database, for `sweepd pair`."""

import sqlite3
from collections.abc import Set as AbstractSet

from sweepd_kernel.service import AttemptKey, PairedDatabase

DATABASE = "scheduler.sqlite"


def known_attempts(connection: sqlite3.Connection) -> AbstractSet[AttemptKey]:
    """Return every attempt that was ever handed out, by the full name of its run."""
    return {(str(run), number) for run, number in connection.execute(_HANDED_OUT)}


# A run that belongs to no sweep has its id in place of a digest.
_HANDED_OUT = """
    select s.entity || '/' || s.project || '/' ||
        case s.sweep when '' then cast(r.digest as text) else s.sweep || '-' || r.number end, a.number
    from attempt a join run r on r.sweep_id = a.sweep_id and r.number = a.run
    join sweep s on s.id = a.sweep_id"""
PAIRED = PairedDatabase(file=DATABASE, schema="sweepd_scheduler", attempts=known_attempts)
