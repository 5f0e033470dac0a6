"""Comparison of the scheduler's database with the metric store's, at the start and every second."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

import grpc
import grpc.aio

from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DatabasesDifferError, DomainError
from sweepd_kernel.pairing import codec as pairing_codec
from sweepd_kernel.pairing.comparison import Database, DelayedPositions, Peer
from sweepd_scheduler.store.store import SqlStore

if TYPE_CHECKING:
    from sweepd.v1.metric_service_pb2_grpc import MetricServiceAsyncStub

T = TypeVar("T")
INTERVAL = 1.0
FIRST_INTERVAL = 0.1
"""Seconds between comparisons: INTERVAL, and FIRST_INTERVAL until the first has succeeded."""
DEADLINE = 2.0
LAST_DEADLINE = 0.5
_REASON = "databases-differ"


class InWriter(Protocol):
    """Function that runs work with exclusive use of the store."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run `work` and return its result."""


class MetricPairing:
    """Periodic comparison of the two databases by a running scheduler.

    Args:
        channel: channel to the metric store.
        store: the scheduler's database.
        in_writer: runs work with exclusive use of that database's store.
        differ: called once if the databases do not belong together.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        store: SqlStore,
        in_writer: InWriter,
        clock: Clock,
        log: logging.Logger,
        differ: Callable[[], None],
    ) -> None:
        self._stub = MetricServiceStub(channel)
        self._store = store
        self._in_writer = in_writer
        self._clock = clock
        self._log = log
        self._differ = differ
        self._delayed = DelayedPositions()
        self._compared = False

    async def run(self) -> None:
        """Compare the databases periodically, until they differ or until cancelled."""
        while True:
            try:
                await self._compare()
            except DatabasesDifferError as error:
                self._log.error(error.message)
                self._differ()
                return
            except (grpc.aio.AioRpcError, DomainError):
                pass  # other users of the metric store and the database report the error
            await asyncio.sleep(INTERVAL if self._compared else FIRST_INTERVAL)

    async def leave(self) -> None:
        """Store the final position of each database in the other, before the scheduler stops."""
        if self._compared:
            with suppress(grpc.aio.AioRpcError, DomainError):
                await self._compare(stopping=True, deadline=LAST_DEADLINE)

    async def _compare(self, *, stopping: bool = False, deadline: float = DEADLINE) -> None:
        own = await self._in_writer(self._store.database)
        metrics = await compare(self._stub, own, stopping=stopping, deadline=deadline)
        self._compared = True
        now = self._clock.monotonic()
        self._delayed.add(metrics.position, now)
        due = self._delayed.due(now, at_once=stopping)
        known = own.peer
        if known is None or known.database != metrics.id or (due is not None and due != known.position):
            peer = Peer(metrics.id, due)
            await self._in_writer(lambda: self._store.remember_metric_store(peer))


async def compare(
    stub: "MetricServiceAsyncStub", own: Database, *, stopping: bool = False, deadline: float = DEADLINE
) -> Database:
    """Ask the metric store to compare the databases; return the identity and position of its database.

    Raises:
        DatabasesDifferError: the databases do not belong together.
        AioRpcError: the metric store cannot be reached, or cannot use its database.
    """
    request = v1.PairDatabasesRequest(scheduler=pairing_codec.message(own), stopping=stopping)
    try:
        response = await stub.PairDatabases(request, timeout=deadline)
    except grpc.aio.AioRpcError as error:
        failure = Failure.of(error)
        if failure.reason == _REASON:
            place, peer = failure.metadata.get("place", ""), failure.metadata.get("peer", "")
            raise DatabasesDifferError(failure.message, place, peer) from error
        raise
    return pairing_codec.database(response.metrics)


async def compare_at_start(channel: grpc.aio.Channel, own: Database, clock: Clock, *, within: float) -> None:
    """Compare the databases before the scheduler starts; give up after `within` seconds without an answer.

    Raises:
        DatabasesDifferError: the databases do not belong together.
    """
    stub, until = MetricServiceStub(channel), clock.monotonic() + within
    while True:
        try:
            await compare(stub, own)
        except grpc.aio.AioRpcError:
            if clock.monotonic() >= until:
                return
            await asyncio.sleep(FIRST_INTERVAL)
        else:
            return
