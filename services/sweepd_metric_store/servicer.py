"""Servicer of `MetricService`: decodes requests, encodes answers, and sends histories as stored."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import Message

from sweepd import v1
from sweepd.v1 import metric_service_pb2
from sweepd_kernel.auth.principal import require_service
from sweepd_kernel.errors import DomainError, NotFoundError, Status
from sweepd_kernel.pairing import codec as pairing_codec
from sweepd_kernel.rpc.interceptors import HANDLER_MAKERS
from sweepd_kernel.rpc.slow_readers import STALL_SECONDS, send
from sweepd_metric_store import codec, encoding, following
from sweepd_metric_store.domain.checksum import Damage
from sweepd_metric_store.following import MESSAGE_BYTES, AppendStreams, Subscriptions
from sweepd_metric_store.pairing import Pairing
from sweepd_metric_store.ports import MetricReads, Position, Stored
from sweepd_metric_store.writer import Writer

SERVICE_NAME = "sweepd.v1.MetricService"
BytesContext: TypeAlias = "grpc.aio.ServicerContext[v1.WatchHistoryRequest, bytes]"


class FileReplacedError(DomainError, status=Status.ABORTED):
    """A file was replaced during the read."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was replaced during the read; read it again")


class MetricServicer:
    """Servicer of `MetricService`."""

    def __init__(
        self,
        writer: Writer,
        reads: MetricReads,
        subscriptions: Subscriptions,
        streams: AppendStreams,
        pairing: Pairing,
    ) -> None:
        self._pairing = pairing
        self._writer = writer
        self._reads = reads
        self._subscriptions = subscriptions
        self._streams = streams

    async def PairDatabases(
        self, request: v1.PairDatabasesRequest, _context: object
    ) -> v1.PairDatabasesResponse:
        """Compare the scheduler's database with this one."""
        require_service("PairDatabases")
        scheduler = pairing_codec.database(request.scheduler)
        own = await self._pairing.compare(scheduler, stopping=request.stopping)
        return v1.PairDatabasesResponse(metrics=pairing_codec.message(own))

    async def Append(
        self, pieces: AsyncIterator[v1.AppendRequest], _context: object
    ) -> AsyncIterator[v1.AppendResponse]:
        """Store pieces of lanes; answer each piece once it is durable."""
        require_service("Append")
        lanes: deque[v1.Lane.ValueType] = deque()

        async def submit(request: v1.AppendRequest) -> asyncio.Future[Stored]:
            self._pairing.require_writable()
            lanes.append(request.lane)
            return await self._writer.submit(codec.arrival(request))

        async with aclosing(self._streams.answers(pieces, submit)) as answers:
            async for stored in answers:
                yield codec.answer(lanes.popleft(), stored)

    async def GetHistory(self, request: v1.GetHistoryRequest, _context: object) -> bytes:
        """Return a page of histories."""
        self._pairing.require_readable()
        page = await self._reads.history(codec.history_query(request))
        token = codec.next_page_token(page.rest, request)
        return encoding.page(page.items, token, self._left_out(page.damaged))

    async def ListSummaries(self, request: v1.ListSummariesRequest, _context: object) -> bytes:
        """Return a page of summaries."""
        self._pairing.require_readable()
        page = await self._reads.summaries(
            codec.selection(request),
            codec.position(request.page_token, request),
            codec.page_size(request),
            skip_damaged=request.skip_damaged,
        )
        token = codec.next_page_token(page.rest, request)
        return encoding.page(page.items, token, self._left_out(page.damaged))

    async def WatchHistory(self, request: v1.WatchHistoryRequest, context: BytesContext) -> None:
        """Send stored points, then new ones; write to the context directly, to detect a stalled reader."""
        self._pairing.require_readable()
        selection = codec.selection(request)
        async with aclosing(following.history(selection, self._reads, self._subscriptions)) as groups:
            async for group, damages in groups:
                message = encoding.page(group, damaged=self._left_out(damages))
                await send(context.write, message, f"the client accepted no message for {STALL_SECONDS:g} s")

    def _left_out(self, damages: Sequence[Damage]) -> list[bytes]:
        return encoding.damaged_series(damages, self._reads.place)

    async def ExportPoints(self, request: v1.ExportPointsRequest, _context: object) -> AsyncIterator[bytes]:
        """Return every readable point of a sweep; end with an error if any point was unreadable."""
        self._pairing.require_readable()
        damages: list[Damage] = []
        rest: Position | None = Position()
        while rest is not None:
            page = await self._reads.history(codec.export_query(request, rest, MESSAGE_BYTES))
            if page.items:
                yield encoding.page(page.items)
            damages += [each for each in page.damaged if each not in damages[-1:]]
            rest = page.rest
        if damages:
            raise self._reads.damaged(damages)

    async def ReadLog(
        self, request: v1.ReadLogRequest, _context: object
    ) -> AsyncIterator[v1.ReadLogResponse]:
        """Return a log, and follow it on request."""
        self._pairing.require_readable()
        run = codec.run_of(request)
        first = await following.first_part(
            self._reads, run, request.attempt, codec.log_offset(request), request.tail_bytes
        )
        parts = following.parts(first, run, self._reads, self._subscriptions, follow=request.follow)
        async with aclosing(parts):
            async for part in parts:
                yield codec.log_part(part)

    async def ListFiles(self, request: v1.ListFilesRequest, _context: object) -> v1.ListFilesResponse:
        """Return a page of the files of a run."""
        self._pairing.require_readable()
        after = codec.position(request.page_token, request).key
        page = await self._reads.list_files(codec.run_of(request), after, codec.file_page_size(request))
        rest = None if page.rest is None else Position(key=page.rest)
        return v1.ListFilesResponse(
            files=[codec.file_message(file) for file in page.files],
            next_page_token=codec.next_page_token(rest, request),
        )

    async def ReadFile(
        self, request: v1.ReadFileRequest, _context: object
    ) -> AsyncIterator[v1.ReadFileResponse]:
        """Return the content of a file."""
        self._pairing.require_readable()
        run = codec.run_of(request)
        blob = await self._reads.file_blob(run, request.name)
        if blob is None:
            raise NotFoundError(f"{request.run}: {request.name}")
        offset = 0
        while (piece := await self._reads.file_piece(run, request.name, blob, offset)) != b"":
            if piece is None:
                raise FileReplacedError(request.name)
            yield v1.ReadFileResponse(content=piece)
            offset += len(piece)


def handlers(servicer: MetricServicer) -> grpc.GenericRpcHandler:
    """Return the handlers of all methods; the generated ones would encode the encoded answers again."""
    return grpc.method_handlers_generic_handler(
        SERVICE_NAME,
        {
            method.name: HANDLER_MAKERS[method.client_streaming, method.server_streaming](
                getattr(servicer, method.name), getattr(v1, method.input_type.name).FromString, _serialised
            )
            for method in metric_service_pb2.DESCRIPTOR.services_by_name["MetricService"].methods
        },
    )


def _serialised(answer: Message | bytes) -> bytes:
    return answer if isinstance(answer, bytes) else answer.SerializeToString()
