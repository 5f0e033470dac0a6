"""`sweepd pair`: pair two databases again after one of them was permanently lost.

Data of attempts unknown to the scheduler could be mistaken for data of later attempts with the same
names, so it is removed after a backup of the database. Then each database stores the other's id and current
position. A missing database is created.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sweepd_kernel.console import complain, remark
from sweepd_kernel.errors import DomainError, StartError
from sweepd_kernel.pairing import store
from sweepd_kernel.pairing.comparison import Peer
from sweepd_kernel.process.data_folder import lock_data_folder
from sweepd_kernel.service import AttemptKey, PairedDatabase, ServiceDefinition
from sweepd_kernel.sql.database import storage_error
from sweepd_kernel.sql.schema import ensure_schema
from sweepd_kernel.sql.sqlite import SqliteEngine


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two databases: the name of its service, its engine, and its pairing functions."""

    name: str
    engine: SqliteEngine
    database: PairedDatabase


def pair(flags: argparse.Namespace, services: Sequence[ServiceDefinition]) -> int:
    """Pair the two databases of a data folder; return the exit code."""
    data: Path = flags.data.absolute()
    sides = [
        _Side(each.name, SqliteEngine(data / each.name / each.paired.file, "sweepd pair"), each.paired)
        for each in services
        if each.paired
    ]
    if not any(each.engine.path.is_file() for each in sides):
        complain(f"{data} has no databases to pair; a new server creates and pairs its own")
        return 1
    try:
        with _locked(data, *(each.engine.path.parent for each in sides)):
            for each in sides:
                ensure_schema(each.engine, each.database.schema)
            _pair(sides)
    except (StartError, DomainError) as error:
        complain(str(error))
        return 1
    except OSError as error:
        complain(str(storage_error(error, "sweepd pair", str(error.filename or data))))
        return 1
    remark(f"the databases in {data} are paired; start the server with `sweepd up`")
    return 0


@contextmanager
def _locked(*folders: Path) -> Iterator[None]:
    """Hold the locks of folders during the block, so that no server uses them."""
    with ExitStack() as held:
        for folder in folders:
            held.callback(lock_data_folder(folder, patience=0.3).release)
        yield


def _pair(sides: Sequence[_Side]) -> None:
    (primary,) = (each for each in sides if each.database.remove is None)
    ((secondary, remove),) = ((each, each.database.remove) for each in sides if each.database.remove)
    with closing(primary.engine.connect()) as first, closing(secondary.engine.connect()) as second:
        for connection in (first, second):
            store.ensure_identity(connection)
        ours = store.read(first, primary.engine.place)
        theirs = store.read(second, secondary.engine.place)
        has_other_peer = theirs.peer is not None and theirs.peer.database != ours.id
        # The metric store was paired with another scheduler: equal names there mean different attempts.
        known = frozenset[AttemptKey]() if has_other_peer else primary.database.attempts(first)
        unknown = secondary.database.attempts(second) - known
        if unknown:
            # Earlier backups are kept: each is the only copy of the data that was removed then.
            backup = secondary.engine.back_up("before-pair")
            with second.transaction():
                remove(second, unknown)
            counted = f"{len(unknown)} attempt{'s' if len(unknown) > 1 else ''}"
            remark(f"the {primary.name} has no record of {counted}; their data remains only in {backup}")
        # If a crash prevents the second write, the databases still differ, and the command can be repeated.
        store.remember(second, Peer(ours.id, ours.position))
        store.remember(first, Peer(theirs.id, theirs.position))
