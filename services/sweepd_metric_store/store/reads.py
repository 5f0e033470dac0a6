"""Reading side of the store: read-only connections in threads, beside the writer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sweepd_kernel.errors import DamagedError, DomainError
from sweepd_kernel.sql.engine import Connection, Engine, StatementError
from sweepd_metric_store.domain.checksum import Damage, DamagedBodyError
from sweepd_metric_store.ports import (
    AttemptName,
    FilePage,
    Growth,
    HistoryPage,
    HistoryQuery,
    LogPart,
    Position,
    Selection,
    SummaryPage,
)
from sweepd_metric_store.store import files, growth, history, logs, summaries
from sweepd_metric_store.store.queries import Damages

Answer = TypeVar("Answer")
_THREADS = 3
_LONG_THREADS = 2
_PATIENT_THREADS = 1


class SqlReads:
    """Implementation of `MetricReads`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.place = engine.place
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="reader")
        self._long = ThreadPoolExecutor(_LONG_THREADS, thread_name_prefix="long-reader")
        # Streams, of which there may be any number, wait for each other; single calls never wait for them.
        self._patient = ThreadPoolExecutor(_PATIENT_THREADS, thread_name_prefix="stream-reader")
        self._own = threading.local()
        self._connections: set[Connection] = set()

    def open(self) -> None:
        """Hold the database open, whatever the writer does.

        The files that readers and writer share exist as long as a connection is open; on a full disk they
        could not be created again, and nobody could read.

        Raises:
            DomainError: the database cannot be opened.
        """
        holder = self._engine.connect(read_only=True)
        self._connections.add(holder)
        holder.columns()

    def damaged(self, damages: Sequence[Damage]) -> DamagedError:
        """Return the error that names damage; see the port."""
        first, more = damages[0], len(damages) - 1
        named = f"{first} cannot be read as written"
        keys = {"run": first.run} | (
            {"key" if first.what in {"points", "summary"} else "name": first.name} if first.name else {}
        )
        return DamagedError(self.place, f"{named}, and {more} more" if more else named, metadata=keys)

    async def history(self, query: HistoryQuery) -> HistoryPage:
        """Return a page of histories; see the port."""
        pool = self._threads
        if query.part_of_stream:
            pool = self._patient
        elif query.max_points and await self._run(
            lambda connection: history.takes_long(connection, query), pool
        ):
            pool = self._long
        return await self._run(lambda connection: history.page(connection, query), pool)

    async def summaries(
        self, selection: Selection, start: Position, page_size: int, *, skip_damaged: bool = False
    ) -> SummaryPage:
        """Return a page of summaries; see the port."""
        damages = Damages(skip=skip_damaged)
        return await self._run(
            lambda connection: summaries.page(connection, selection, start, page_size, damages),
            self._threads,
        )

    async def attempts(self, selection: Selection) -> AbstractSet[AttemptName]:
        """Return the attempts that have delivered rows."""
        return await self._run(lambda connection: growth.attempts(connection, selection), self._patient)

    async def growth(
        self, names: AbstractSet[AttemptName], rows: Mapping[AttemptName, int], keys: AbstractSet[str]
    ) -> Growth:
        """Return the points of attempts beyond `rows`; see the port."""
        return await self._run(lambda connection: growth.growth(connection, names, rows, keys), self._patient)

    async def log(self, run: str, attempt: int, offset: int, limit: int) -> LogPart:
        """Return a part of a log; see the port."""
        return await self._run(
            lambda connection: logs.read(connection, run, attempt, offset, limit), self._threads
        )

    async def files(self, run: str, after: str, limit: int) -> FilePage:
        """Return files of a run; see the port."""
        return await self._run(lambda connection: files.page(connection, run, after, limit), self._threads)

    async def file_blob(self, run: str, name: str) -> int | None:
        """Return the id of a content; see the port."""
        return await self._run(lambda connection: files.blob(connection, run, name), self._threads)

    async def file_piece(self, run: str, name: str, blob: int, offset: int) -> bytes | None:
        """Return a piece of a content; see the port."""
        try:
            return await self._run(lambda connection: files.piece(connection, blob, offset), self._patient)
        except files.DamagedPieceError as error:
            raise self.damaged([Damage(run=run, attempt=0, what="file", name=name)]) from error

    def close(self) -> None:
        """End the threads and close the database."""
        for pool in (self._threads, self._long, self._patient):
            pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    async def _run(self, read: Callable[[Connection], Answer], pool: ThreadPoolExecutor) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(pool, self._read, read)

    def _read(self, read: Callable[[Connection], Answer]) -> Answer:
        """Run `read` in one transaction, so that concurrent compaction does not affect it."""
        try:
            connection = self._connection()
            with connection.snapshot():
                return read(connection)
        except DamagedBodyError as error:
            raise self.damaged([error.damage]) from error
        except (DomainError, StatementError):
            self._drop_connection()
            raise

    def _connection(self) -> Connection:
        known: Connection | None = getattr(self._own, "connection", None)
        if known is None:
            known = self._own.connection = self._engine.connect(read_only=True)
            self._connections.add(known)
        return known

    def _drop_connection(self) -> None:
        known: Connection | None = getattr(self._own, "connection", None)
        if known is not None:
            self._own.connection = None
            self._connections.discard(known)
            known.close()
