"""Attempts of this database, for `sweepd pair`: which there are, and the removal of some."""

from __future__ import annotations

import sqlite3
from collections.abc import Set as AbstractSet

from sweepd_kernel.service import AttemptKey, PairedDatabase
from sweepd_metric_store.ports import SYSTEM
from sweepd_metric_store.sql import DATABASE


def stored_attempts(connection: sqlite3.Connection) -> AbstractSet[AttemptKey]:
    """Return every attempt of which there is anything; samples have a name of their own."""
    return {(str(run), number) for run, number in connection.execute(_STORED, (SYSTEM,))}


def remove_attempts(connection: sqlite3.Connection, attempts: AbstractSet[AttemptKey]) -> None:
    """Remove attempts, and what belongs to nothing without them; the caller has begun a transaction."""
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
PAIRED = PairedDatabase(
    file=DATABASE, schema="sweepd_metric_store", attempts=stored_attempts, remove=remove_attempts
)
