"""`sweepd pair`: the way on for somebody who has lost one of the two databases for good.

What the metric store has of attempts that the scheduler does not know would be taken for that of later
attempts of the same names, so it is removed, once a copy of the whole is beside it. Then each database is
made to remember the other as it is. A database that is missing is made anew.
"""

import argparse
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import chain, count
from pathlib import Path

from sweepd_kernel import pairing_sql
from sweepd_kernel.console import complain, remark
from sweepd_kernel.data_folder import lock_data_folder
from sweepd_kernel.database import open_sqlite, storage_error
from sweepd_kernel.errors import DomainError, StartError
from sweepd_kernel.pairing import Peer
from sweepd_kernel.schema import ensure_schema

SCHEDULER = Path("scheduler", "scheduler.sqlite")
METRICS = Path("metric-store", "metrics.sqlite")


def pair(flags: argparse.Namespace) -> int:
    """Let the two databases of a data folder belong together; return the exit code."""
    data: Path = flags.data.absolute()
    scheduler, metrics = data / SCHEDULER, data / METRICS
    if not scheduler.is_file() and not metrics.is_file():
        complain(f"{data} holds no database; a new server needs none")
        return 1
    try:
        with _held(data, scheduler.parent, metrics.parent):
            ensure_schema(scheduler, "sweepd_scheduler")
            ensure_schema(metrics, "sweepd_metric_store")
            _pair(scheduler, metrics)
    except (StartError, DomainError) as error:
        complain(str(error))
        return 1
    except (sqlite3.Error, OSError) as error:
        complain(str(storage_error(error, "sweepd pair", getattr(error, "filename", None) or data)))
        return 1
    remark(f"the databases of {data} belong together now; start the server with `sweepd up`")
    return 0


@contextmanager
def _held(*folders: Path) -> Iterator[None]:
    """Keep servers off."""
    with ExitStack() as held:
        for folder in folders:
            held.callback(lock_data_folder(folder, patience=0.3).release)
        yield


def _pair(scheduler: Path, metrics: Path) -> None:
    with closing(open_sqlite(scheduler)) as first, closing(open_sqlite(metrics)) as second:
        for connection in (first, second):
            pairing_sql.ensure_identity(connection)
        ours, theirs = pairing_sql.read(first, str(scheduler)), pairing_sql.read(second, str(metrics))
        is_stranger = theirs.peer is not None and theirs.peer.database != ours.id
        # Of a stranger, attempts of the same names are others.
        unknown = _stored(second) - (set() if is_stranger else _handed_out(first))
        if unknown:
            backup = _unused(metrics.with_name(f"{metrics.name}.before-pair"))
            with closing(sqlite3.connect(backup)) as target:
                second.backup(target)
            _remove(second, unknown)
            counted = f"{len(unknown)} attempt{'s' if len(unknown) > 1 else ''}"
            remark(
                f"the scheduler does not know {counted} whose points and logs were stored: they are left in"
                f" {backup} alone"
            )
        # In this order a crash leaves a pair that is refused as before.
        pairing_sql.remember(second, Peer(ours.id, ours.position))
        pairing_sql.remember(first, Peer(theirs.id, theirs.position))


def _unused(path: Path) -> Path:
    """Return a path that nothing has: what an earlier call has left is kept nowhere else."""
    others = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(each for each in chain((path,), others) if not each.exists())


def _handed_out(connection: sqlite3.Connection) -> set[tuple[str, int]]:
    """Return every attempt that the scheduler knows, by the full name of its run."""
    return {(str(run), number) for run, number in connection.execute(_HANDED_OUT)}


def _stored(connection: sqlite3.Connection) -> set[tuple[str, int]]:
    """Return every attempt of which the metric store has anything; samples have a name of their own."""
    return {(str(run), number) for run, number in connection.execute(_STORED, (_SAMPLES,))}


def _remove(connection: sqlite3.Connection, attempts: set[tuple[str, int]]) -> None:
    connection.execute("begin immediate")
    for run, number in attempts:
        connection.execute(_REMOVE, (run, run + _SAMPLES, number))
    for statement in _CLEAR:
        connection.execute(statement)
    connection.execute("commit")


_SAMPLES = "#system"
# A run that belongs to no sweep has its id in place of a digest.
_HANDED_OUT = """
    select s.entity || '/' || s.project || '/' ||
        case s.sweep when '' then cast(r.digest as text) else s.sweep || '-' || r.number end, a.number
    from attempt a join run r on r.sweep_id = a.sweep_id and r.number = a.run
    join sweep s on s.id = a.sweep_id"""
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
