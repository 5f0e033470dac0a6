"""Answers the calls of `MetricService`: decode, one call, encode; histories are encoded as stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import TypeAlias

import grpc
import grpc.aio

from sweepd import v1
from sweepd_kernel.auth.principal import require_service
from sweepd_kernel.errors import DomainError, NotFoundError, Status
from sweepd_kernel.pairing import codec as pairing_codec
from sweepd_metric_store import codec, log_reading, page_token, requests, watching, wire
from sweepd_metric_store.domain.checksum import Damage
from sweepd_metric_store.notices import Notices
from sweepd_metric_store.pairing import Pairing
from sweepd_metric_store.ports import MetricReads, Position, Stored
from sweepd_metric_store.streams import MESSAGE_BYTES, AppendStreams
from sweepd_metric_store.writer import Writer

SERVICE_NAME = "sweepd.v1.MetricService"
BytesContext: TypeAlias = "grpc.aio.ServicerContext[v1.WatchHistoryRequest, bytes]"


class FileReplacedError(DomainError):
    """A file was replaced while it was read."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was replaced while it was read; read it again", status=Status.ABORTED)


class MetricServicer:
    """The service's calls; what they need is handed in."""

    def __init__(
        self,
        writer: Writer,
        reads: MetricReads,
        notices: Notices,
        streams: AppendStreams,
        pairing: Pairing,
    ) -> None:
        self._pairing = pairing
        self._writer = writer
        self._reads = reads
        self._notices = notices
        self._streams = streams

    async def PairDatabases(
        self, request: v1.PairDatabasesRequest, _context: object
    ) -> v1.PairDatabasesResponse:
        """Compare the scheduler's database with this one."""
        require_service("PairDatabases")
        scheduler = pairing_codec.database(request.scheduler)
        own = await self._pairing.meet(scheduler, stopping=request.stopping)
        return v1.PairDatabasesResponse(metrics=pairing_codec.message(own))

    async def AppendPoints(
        self, batches: AsyncIterator[v1.AppendPointsRequest], _context: object
    ) -> AsyncIterator[v1.AppendPointsResponse]:
        """Store batches of points, each answered once it is on disk."""
        require_service("AppendPoints")

        async def submit(request: v1.AppendPointsRequest) -> asyncio.Future[Stored]:
            self._pairing.require_met()
            return await self._writer.submit(codec.points_arrived(request))

        async with aclosing(self._streams.answers(batches, submit)) as answers:
            async for stored in answers:
                yield codec.points_answer(stored)

    async def AppendLog(
        self, pieces: AsyncIterator[v1.AppendLogRequest], _context: object
    ) -> AsyncIterator[v1.AppendLogResponse]:
        """Store pieces of logs, each answered once it is on disk."""
        require_service("AppendLog")

        async def submit(request: v1.AppendLogRequest) -> asyncio.Future[Stored]:
            self._pairing.require_met()
            return await self._writer.submit(codec.log_arrived(request))

        async with aclosing(self._streams.answers(pieces, submit)) as answers:
            async for stored in answers:
                yield codec.log_answer(stored)

    def _left_out(self, damages: Sequence[Damage]) -> list[bytes]:
        return wire.damaged_series(damages, self._reads.place)

    async def GetHistory(self, request: v1.GetHistoryRequest, _context: object) -> bytes:
        """Give a page of histories."""
        self._pairing.require_known()
        page = await self._reads.history(requests.history_query(request))
        return wire.page(page.series, page_token.encoded(page.rest, request), self._left_out(page.damaged))

    async def ListSummaries(self, request: v1.ListSummariesRequest, _context: object) -> bytes:
        """Give a page of summaries."""
        self._pairing.require_known()
        page = await self._reads.summaries(
            requests.selection(request),
            page_token.decoded(request.page_token, request),
            requests.page_size(request),
            skip_damaged=request.skip_damaged,
        )
        return wire.page(page.summaries, page_token.encoded(page.rest, request), self._left_out(page.damaged))

    async def WatchHistory(self, request: v1.WatchHistoryRequest, context: BytesContext) -> None:
        """Follow points; writes by itself, as a reader that stalls has to be noticed."""
        self._pairing.require_known()
        selection = requests.selection(request)
        async with aclosing(watching.history(selection, self._reads, self._notices)) as groups:
            async for group, damages in groups:
                await watching.send(context.write, wire.page(group, damaged=self._left_out(damages)))

    async def ExportPoints(self, request: v1.ExportPointsRequest, _context: object) -> AsyncIterator[bytes]:
        """Give every point of a sweep that can be read; then say what could not."""
        self._pairing.require_known()
        damages: list[Damage] = []
        rest: Position | None = Position()
        while rest is not None:
            page = await self._reads.history(requests.export_query(request, rest, MESSAGE_BYTES))
            if page.series:
                yield wire.page(page.series)
            damages += [each for each in page.damaged if each not in damages[-1:]]
            rest = page.rest
        if damages:
            raise self._reads.damaged(damages)

    async def ReadLog(
        self, request: v1.ReadLogRequest, _context: object
    ) -> AsyncIterator[v1.ReadLogResponse]:
        """Give a log, and follow it if that is asked for."""
        self._pairing.require_known()
        run = requests.logged_run(request)
        first = await log_reading.first_part(
            self._reads, run, request.attempt, requests.log_offset(request), request.tail_bytes
        )
        parts = log_reading.parts(first, run, self._reads, self._notices, follow=request.follow)
        async with aclosing(parts):
            async for part in parts:
                yield codec.log_part(part)

    async def AppendFiles(
        self, pieces: AsyncIterator[v1.AppendFilesRequest], _context: object
    ) -> AsyncIterator[v1.AppendFilesResponse]:
        """Store pieces of files, each answered once it is on disk."""
        require_service("AppendFiles")

        async def submit(request: v1.AppendFilesRequest) -> asyncio.Future[Stored]:
            self._pairing.require_met()
            return await self._writer.submit(codec.file_arrived(request))

        async with aclosing(self._streams.answers(pieces, submit)) as answers:
            async for stored in answers:
                yield codec.file_answer(stored)

    async def ListFiles(self, request: v1.ListFilesRequest, _context: object) -> v1.ListFilesResponse:
        """Give a page of the files of a run."""
        self._pairing.require_known()
        after = page_token.decoded(request.page_token, request).key
        page = await self._reads.files(requests.logged_run(request), after, requests.file_page_size(request))
        rest = None if page.rest is None else Position(key=page.rest)
        return v1.ListFilesResponse(
            files=[codec.file_message(file) for file in page.files],
            next_page_token=page_token.encoded(rest, request),
        )

    async def ReadFile(
        self, request: v1.ReadFileRequest, _context: object
    ) -> AsyncIterator[v1.ReadFileResponse]:
        """Give the content of a file."""
        self._pairing.require_known()
        run = requests.logged_run(request)
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
    """Return the service for a server; the generated registration would encode what is encoded."""

    def as_it_is(message: bytes) -> bytes:
        return message

    return grpc.method_handlers_generic_handler(
        SERVICE_NAME,
        {
            "PairDatabases": grpc.unary_unary_rpc_method_handler(
                servicer.PairDatabases,
                v1.PairDatabasesRequest.FromString,
                v1.PairDatabasesResponse.SerializeToString,
            ),
            "AppendPoints": grpc.stream_stream_rpc_method_handler(
                servicer.AppendPoints,
                v1.AppendPointsRequest.FromString,
                v1.AppendPointsResponse.SerializeToString,
            ),
            "AppendLog": grpc.stream_stream_rpc_method_handler(
                servicer.AppendLog, v1.AppendLogRequest.FromString, v1.AppendLogResponse.SerializeToString
            ),
            "GetHistory": grpc.unary_unary_rpc_method_handler(
                servicer.GetHistory, v1.GetHistoryRequest.FromString, as_it_is
            ),
            "ListSummaries": grpc.unary_unary_rpc_method_handler(
                servicer.ListSummaries, v1.ListSummariesRequest.FromString, as_it_is
            ),
            "WatchHistory": grpc.unary_stream_rpc_method_handler(
                servicer.WatchHistory, v1.WatchHistoryRequest.FromString, as_it_is
            ),
            "ExportPoints": grpc.unary_stream_rpc_method_handler(
                servicer.ExportPoints, v1.ExportPointsRequest.FromString, as_it_is
            ),
            "AppendFiles": grpc.stream_stream_rpc_method_handler(
                servicer.AppendFiles,
                v1.AppendFilesRequest.FromString,
                v1.AppendFilesResponse.SerializeToString,
            ),
            "ListFiles": grpc.unary_unary_rpc_method_handler(
                servicer.ListFiles, v1.ListFilesRequest.FromString, v1.ListFilesResponse.SerializeToString
            ),
            "ReadFile": grpc.unary_stream_rpc_method_handler(
                servicer.ReadFile, v1.ReadFileRequest.FromString, v1.ReadFileResponse.SerializeToString
            ),
            "ReadLog": grpc.unary_stream_rpc_method_handler(
                servicer.ReadLog, v1.ReadLogRequest.FromString, v1.ReadLogResponse.SerializeToString
            ),
        },
    )
