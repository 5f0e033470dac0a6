"""Fixtures: an empty store of each kind, and a scheduler core that stores its changes there."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from postgresql import PostgresServer
from scheduler_database import refusing
from scheduler_memory import MemoryStore
from sweepd_kernel.sql.database import Engine
from sweepd_kernel.sql.postgresql import PostgresqlEngine
from sweepd_kernel.sql.schema import Schema, ensure_schema
from sweepd_kernel.sql.sqlite import SqliteEngine
from sweepd_scheduler.domain.events import Timeouts
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.store.ports import Records, Store
from sweepd_scheduler.store.records import SqlRecords
from sweepd_scheduler.store.store import SqlStore
from sweepd_scheduler.store.tables_sql import SCHEMA
from unit.scheduler.world import World


class Failing(Protocol):
    """Function that makes the next commits of a store fail or succeed."""

    def __call__(self, fails: bool) -> None: ...


@dataclass
class Opened:
    """Open store: its writer and its reader."""

    store: Store
    records: Records
    reopen: Callable[[], Store]
    fail: Failing
    number: int = 0


@pytest.fixture
def opened(request: pytest.FixtureRequest, kind: str) -> Iterator[Opened]:
    if kind == "memory":
        memory = MemoryStore()

        def fail(fails: bool) -> None:
            memory.unavailable = fails

        yield Opened(memory, memory, lambda: memory, fail)
        return
    engine: Engine = request.getfixturevalue("engine")
    stores = [SqlStore(engine)]
    records = SqlRecords(engine)
    refusal = ExitStack()

    def block(fails: bool) -> None:
        if fails:
            refusal.enter_context(refusing(engine))
        else:
            refusal.close()

    def reopen() -> Store:
        stores[-1].close()
        stores.append(SqlStore(engine))
        return stores[-1]

    yield Opened(stores[0], records, reopen, block)
    refusal.close()
    records.close()
    stores[-1].close()


@pytest.fixture(
    params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.needs("PostgreSQL"))]
)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Engine]:
    """Yield an empty database of this kind with the scheduler's tables."""
    with empty_database(request, kind, tmp_path, SCHEMA) as engine:
        yield engine


@contextmanager
def empty_database(
    request: pytest.FixtureRequest, kind: str, folder: Path, schema: Schema
) -> Iterator[Engine]:
    """Yield an empty database with the tables of a schema."""
    if kind == "sqlite":
        file = SqliteEngine(folder / "scheduler.sqlite", "scheduler")
        ensure_schema(file, schema)
        yield file
        return
    server: PostgresServer = request.getfixturevalue("postgresql")

    def fill(address: str) -> None:
        ensure_schema(PostgresqlEngine(address, "scheduler"), schema)

    with server.database(schema.package, fill) as address:
        yield PostgresqlEngine(address, "scheduler")


@dataclass
class StoredWorld(World):
    """World whose changes are stored in commits, like the batches of the scheduler."""

    opened: Opened | None = None
    stored: int = 0

    def save(self) -> None:
        """Store the changes since the last call."""
        assert self.opened is not None
        number = self.state.counters["number"] = self.state.counters["number"] + 1
        self.opened.store.commit(self.changes[self.stored :], number)
        self.stored = len(self.changes)

    def restart(self) -> None:
        """Replace the state with one restored from the store."""
        assert self.opened is not None
        self.opened.store = self.opened.reopen()
        loaded = self.opened.store.load()
        self.state = State(Timeouts())
        self.state.restore(loaded.sweeps, loaded.ended, loaded.number, self.now)
        self.timers = list(self.state.first_timers(self.now))


@pytest.fixture
def world(opened: Opened) -> StoredWorld:
    return StoredWorld(opened=opened)
