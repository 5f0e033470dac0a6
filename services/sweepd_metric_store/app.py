"""Wiring of the metric store: one writer, concurrent readers, and the servicer."""

import asyncio

import grpc.aio

from sweepd_kernel.errors import DamagedError, StartError, UnavailableError
from sweepd_kernel.service import RunningService, ServiceContext, ServiceDefinition
from sweepd_kernel.sql.sqlite import SqliteEngine
from sweepd_metric_store.following import AppendStreams, Subscriptions
from sweepd_metric_store.pairing import DATABASE, PAIRED, Pairing
from sweepd_metric_store.servicer import SERVICE_NAME, MetricServicer, handlers
from sweepd_metric_store.store.reads import SqlReads
from sweepd_metric_store.store.writes import SqlWrites
from sweepd_metric_store.writer import Writer

NAME = "metric-store"


class MetricStore:
    """Running metric store."""

    def __init__(self, writes: SqlWrites, reads: SqlReads, pairing: Pairing, context: ServiceContext) -> None:
        self._reads = reads
        self._pairing = pairing
        self._subscriptions = Subscriptions()
        self._streams = AppendStreams()
        self._writer = Writer(writes, context.clock, context.log, self._subscriptions.publish)
        self._address = str(context.listen)

    def register(self, server: grpc.aio.Server) -> tuple[str, ...]:
        """Add the service to `server`."""
        servicer = MetricServicer(
            self._writer, self._reads, self._subscriptions, self._streams, self._pairing
        )
        server.add_generic_rpc_handlers((handlers(servicer),))
        return (SERVICE_NAME,)

    async def start(self, address: str) -> None:
        """Start the writer."""
        self._address = self._pairing.address = address
        self._writer.start()

    async def stop(self) -> None:
        """Store queued arrivals, end the streams, and close the database."""
        error = UnavailableError(NAME, self._address, "it is stopping")
        await self._writer.stop(error)
        self._streams.end(error)
        self._subscriptions.end(error)
        await asyncio.to_thread(self._reads.close)


async def _open(context: ServiceContext) -> RunningService:
    if context.data is None:
        raise StartError(f"{NAME} needs a folder for its data: --data DIR")
    engine = SqliteEngine(context.data / DATABASE, NAME)
    writes, reads = SqlWrites(engine, context.clock), SqlReads(engine)
    pairing = Pairing(engine, NAME, context.clock, context.log)
    try:
        try:
            await asyncio.to_thread(writes.open)
        except DamagedError as error:
            # Nothing can be stored, but most data may be readable: start if the database opens for reading.
            context.log.error(error.message)
        await asyncio.to_thread(pairing.open)
        await asyncio.to_thread(reads.open)
    except BaseException:
        writes.close()
        reads.close()
        raise
    return MetricStore(writes, reads, pairing, context)


SERVICE = ServiceDefinition(
    name=NAME,
    help="stores every point, log line and file",
    has_data=True,
    open=_open,
    paired=PAIRED,
)
