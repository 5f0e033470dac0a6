"""`sweepd pair`: the way on for somebody who has lost one of two databases for good that belong together.

What a service has of attempts that the other one does not know would be taken for that of later attempts of
the same names, so it is removed, once a copy of the whole is beside it. Then each database is made to
remember the other as it is. A database that is missing is made anew.
"""

import argparse
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from sweepd_kernel import pairing_sql
from sweepd_kernel.console import complain, remark
from sweepd_kernel.database import open_sqlite, storage_error
from sweepd_kernel.errors import DomainError, StartError
from sweepd_kernel.pairing.comparison import Peer
from sweepd_kernel.process.data_folder import lock_data_folder
from sweepd_kernel.schema import ensure_schema
from sweepd_kernel.service import AttemptKey, PairedDatabase, ServiceDefinition


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two databases: the name of its service, where it is, and what that service offers."""

    name: str
    path: Path
    database: PairedDatabase


def pair(flags: argparse.Namespace, services: Sequence[ServiceDefinition]) -> int:
    """Let the two databases of a data folder belong together; return the exit code."""
    data: Path = flags.data.absolute()
    sides = [
        _Side(each.name, data / each.name / each.paired.file, each.paired) for each in services if each.paired
    ]
    if not any(each.path.is_file() for each in sides):
        complain(f"{data} holds no database; a new server needs none")
        return 1
    try:
        with _held(data, *(each.path.parent for each in sides)):
            for each in sides:
                ensure_schema(each.path, each.database.schema)
            _pair(sides)
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


def _pair(sides: Sequence[_Side]) -> None:
    (knowing,) = (each for each in sides if each.database.remove is None)
    ((following, remove),) = ((each, each.database.remove) for each in sides if each.database.remove)
    with closing(open_sqlite(knowing.path)) as first, closing(open_sqlite(following.path)) as second:
        for connection in (first, second):
            pairing_sql.ensure_identity(connection)
        ours = pairing_sql.read(first, str(knowing.path))
        theirs = pairing_sql.read(second, str(following.path))
        is_stranger = theirs.peer is not None and theirs.peer.database != ours.id
        # Of a stranger, attempts of the same names are others.
        known = frozenset[AttemptKey]() if is_stranger else knowing.database.attempts(first)
        unknown = following.database.attempts(second) - known
        if unknown:
            backup = _removed(second, following.path, unknown, remove)
            counted = f"{len(unknown)} attempt{'s' if len(unknown) > 1 else ''}"
            remark(
                f"the {knowing.name} does not know {counted} whose points and logs were stored: they are left"
                f" in {backup} alone"
            )
        # In this order a crash leaves a pair that is refused as before.
        pairing_sql.remember(second, Peer(ours.id, ours.position))
        pairing_sql.remember(first, Peer(theirs.id, theirs.position))


def _removed(
    connection: sqlite3.Connection,
    path: Path,
    attempts: AbstractSet[AttemptKey],
    remove: Callable[[sqlite3.Connection, AbstractSet[AttemptKey]], None],
) -> Path:
    """Remove attempts, and return where a copy is that still has them."""
    backup = _unused(path.with_name(f"{path.name}.before-pair"))
    with closing(sqlite3.connect(backup)) as target:
        connection.backup(target)
    connection.execute("begin immediate")
    remove(connection, attempts)
    connection.execute("commit")
    return backup


def _unused(path: Path) -> Path:
    """Return a path that nothing has: what an earlier call has left is kept nowhere else."""
    others = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(each for each in chain((path,), others) if not each.exists())
