"""Reading side of the store: read-only connections in threads, and pages of summaries."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Concatenate, ParamSpec, TypeVar

from sweepd_kernel.errors import DamagedError, DomainError
from sweepd_kernel.sql.database import Connection, Engine, Row, StatementError
from sweepd_metric_store import encoding
from sweepd_metric_store.domain.checksum import Damage, DamagedBodyError
from sweepd_metric_store.ports import (
    SYSTEM,
    AttemptName,
    EncodedPage,
    FilePage,
    Growth,
    HistoryQuery,
    LogPart,
    Position,
    Selection,
)
from sweepd_metric_store.store import files, history, logs, queries
from sweepd_metric_store.store.queries import Damages

_BUDGET = 3 * 1024 * 1024


def summary_page(
    connection: Connection, selection: Selection, start: Position, page_size: int, damages: Damages
) -> EncodedPage:
    """Return at most `page_size` summaries from `start` on, ordered by run and key."""
    items: list[bytes] = []
    room = _BUDGET
    for (run_id, run, attempt, key, _), figures in _newest(connection, selection, start.run_id):
        if (run_id, key) < (start.run_id, start.key):
            continue
        summary = queries.summary(figures)
        if summary is None:
            named = run.removesuffix(SYSTEM)
            damages.add(Damage(run=named, attempt=attempt, what="summary", name=key))
            continue
        item = encoding.key_summary(run, key, summary)
        room -= len(item) + encoding.FRAME
        if len(items) == page_size or (items and room < 0):
            return EncodedPage(items=items, rest=Position(run_id=run_id, key=key), damaged=damages.all)
        items.append(item)
    return EncodedPage(items=items, rest=None, damaged=damages.all)


def _newest(connection: Connection, selection: Selection, run_id: int) -> Iterator[tuple[Row, Row | None]]:
    """Yield names and figures of one series per run and key: that of the newest attempt with the key."""
    rows = queries.series_rows(connection, _SUMMARIES, selection, run_id=run_id)
    for _, of_run in groupby(rows, key=lambda row: row[0][0]):
        newest = {row[0][3]: row for row in sorted(of_run, key=lambda row: row[0][2])}
        for key in sorted(newest):
            yield newest[key]


# The joins yield rows in the order of the result, so no sort is needed.
_SUMMARIES = """
    select r.id, r.name, a.number, k.name, {figures} from run r
    cross join attempt a on a.run_id = r.id
    cross join series s on s.attempt_id = a.id
    cross join metric_key k on k.id = s.key_id
    where {runs} and {keys} order by r.id"""


Answer = TypeVar("Answer")
Arguments = ParamSpec("Arguments")
_THREADS = 3
_LONG_THREADS = 2
_STREAM_THREADS = 1


class SqlReads:
    """Implementation of `MetricReads`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.place = engine.place
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="reader")
        self._long = ThreadPoolExecutor(_LONG_THREADS, thread_name_prefix="long-reader")
        # Any number of streams share this thread, so that single calls never wait for streams.
        self._streaming = ThreadPoolExecutor(_STREAM_THREADS, thread_name_prefix="stream-reader")
        self._local = threading.local()
        self._connections: set[Connection] = set()

    def open(self) -> None:
        """Open a connection that stays open, independent of the writer.

        The files shared by readers and writer exist only while a connection is open; on a full disk they
        could not be created, and reads would fail.

        Raises:
            DomainError: the database cannot be opened.
        """
        holder = self._engine.connect(read_only=True)
        self._connections.add(holder)
        holder.columns()

    def damaged(self, damages: Sequence[Damage]) -> DamagedError:
        """Return the error that reports damage; see the port."""
        first, more = damages[0], len(damages) - 1
        named = f"{first} cannot be read"
        keys = {"run": first.run} | (
            {"key" if first.what in {"points", "summary"} else "name": first.name} if first.name else {}
        )
        return DamagedError(self.place, f"{named}, and {more} more" if more else named, metadata=keys)

    async def history(self, query: HistoryQuery) -> EncodedPage:
        """Return a page of histories; see the port."""
        pool = self._threads
        if query.part_of_stream:
            pool = self._streaming
        elif query.max_points and await self._run(pool, history.takes_long, query):
            pool = self._long
        return await self._run(pool, history.page, query)

    async def summaries(
        self, selection: Selection, start: Position, page_size: int, *, skip_damaged: bool = False
    ) -> EncodedPage:
        """Return a page of summaries; see the port."""
        damages = Damages(skip=skip_damaged)
        return await self._run(self._threads, summary_page, selection, start, page_size, damages)

    async def attempts(self, selection: Selection) -> AbstractSet[AttemptName]:
        """Return the attempts with stored rows."""
        return await self._run(self._streaming, history.attempts, selection)

    async def growth(
        self, names: AbstractSet[AttemptName], rows: Mapping[AttemptName, int], keys: AbstractSet[str]
    ) -> Growth:
        """Return a bounded number of points after the given row of each attempt; see the port."""
        return await self._run(self._streaming, history.growth, names, rows, keys)

    async def log(self, run: str, attempt: int, offset: int, limit: int) -> LogPart:
        """Return a part of a log; see the port."""
        return await self._run(self._threads, logs.read, run, attempt, offset, limit)

    async def list_files(self, run: str, after: str, limit: int) -> FilePage:
        """Return files of a run; see the port."""
        return await self._run(self._threads, files.page, run, after, limit)

    async def file_blob(self, run: str, name: str) -> int | None:
        """Return the blob id of a file; see the port."""
        return await self._run(self._threads, files.blob, run, name)

    async def file_piece(self, run: str, name: str, blob: int, offset: int) -> bytes | None:
        """Return a piece of a blob; see the port."""
        try:
            return await self._run(self._streaming, files.piece, blob, offset)
        except files.DamagedPieceError as error:
            raise self.damaged([Damage(run=run, attempt=0, what="file", name=name)]) from error

    def close(self) -> None:
        """End the threads and close the database."""
        for pool in (self._threads, self._long, self._streaming):
            pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    async def _run(
        self,
        pool: ThreadPoolExecutor,
        read: Callable[Concatenate[Connection, Arguments], Answer],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Answer:
        """Call `read` in a thread of `pool`, in one transaction, unaffected by concurrent compaction."""
        return await asyncio.get_running_loop().run_in_executor(
            pool, self._read, lambda connection: read(connection, *arguments, **named)
        )

    def _read(self, read: Callable[[Connection], Answer]) -> Answer:
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
        known: Connection | None = getattr(self._local, "connection", None)
        if known is None:
            known = self._local.connection = self._engine.connect(read_only=True)
            self._connections.add(known)
        return known

    def _drop_connection(self) -> None:
        known: Connection | None = getattr(self._local, "connection", None)
        if known is not None:
            self._local.connection = None
            self._connections.discard(known)
            known.close()
