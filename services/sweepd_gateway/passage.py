"""How a call passes through the door: bytes both ways, one message in hand, status and details untouched."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Never, TypeAlias

import grpc
import grpc.aio

from sweepd.rpc.bidi_call import BidiCall
from sweepd_gateway.backend import Backend
from sweepd_gateway.routes import Route
from sweepd_gateway.vigil import Vigil
from sweepd_kernel.auth.principal import current_principal
from sweepd_kernel.auth.principal_codec import PRINCIPAL_KEY, encode_principal
from sweepd_kernel.errors import NotAllowedError, UnavailableError
from sweepd_kernel.rpc.status_details import DETAILS_KEY

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
StreamCall: TypeAlias = "grpc.aio.UnaryStreamCall[bytes, bytes] | BidiCall[bytes, bytes]"
UnaryMethod: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"
StreamMethod: TypeAlias = "grpc.aio.UnaryStreamMultiCallable[bytes, bytes]"
StreamsMethod: TypeAlias = "grpc.aio.StreamStreamMultiCallable[bytes, bytes]"
Entries: TypeAlias = Sequence[tuple[str, str | bytes]]

# What gRPC itself reports when the other side went away; a service that means one of them sends details.
_BROKEN = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})


class Passage:
    """Passes the calls of one method on to its service."""

    def __init__(self, route: Route, backend: Backend) -> None:
        self._route = route
        self._backend = backend
        self._streams: set[StreamCall] = set()
        self._closing = False

    def handler(self) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """The handler to serve the method with; without serializers, so that it is handed bytes."""
        if self._route.request_streaming:
            return grpc.stream_stream_rpc_method_handler(self.pass_streams)
        if self._route.response_streaming:
            return grpc.unary_stream_rpc_method_handler(self.pass_stream)
        return grpc.unary_unary_rpc_method_handler(self.pass_unary)

    async def pass_unary(self, request: bytes, context: Context) -> bytes:
        """Pass a request and its answer."""
        try:
            return await self._pass_unary(request, context)
        except grpc.aio.AioRpcError as error:
            request = b""  # see `_relay`
            await self._relay(error, context)

    async def pass_stream(self, request: bytes, context: Context) -> None:
        """Pass a request and the stream that answers it."""
        try:
            await self._pass_stream(request, context)
        except grpc.aio.AioRpcError as error:
            request = b""  # see `_relay`
            await self._relay(error, context)

    async def pass_streams(self, requests: AsyncIterator[bytes], context: Context) -> None:
        """Pass two streams; either side may end its own first."""
        try:
            await self._pass_streams(requests, context)
        except grpc.aio.AioRpcError as error:
            await self._relay(error, context)

    def close(self) -> None:
        """End the streams, which could go on for days; their clients hear UNAVAILABLE."""
        self._closing = True
        for call in tuple(self._streams):
            call.cancel()

    async def _pass_unary(self, request: bytes, context: Context) -> bytes:
        metadata = self._admit()
        with self._backend.connection() as channel:
            await self._backend.ready(channel, context.time_remaining())
            method: UnaryMethod = channel.unary_unary(self._route.method)
            call = method(request, timeout=context.time_remaining(), metadata=metadata)
            with Vigil(self._backend, call) as vigil:
                try:
                    answer = await call
                    context.set_trailing_metadata(_own(await call.trailing_metadata()))
                except asyncio.CancelledError:
                    self._explain(vigil)
                    raise
                else:
                    return answer

    async def _pass_stream(self, request: bytes, context: Context) -> None:
        metadata = self._admit()
        with self._backend.connection() as channel:
            await self._backend.ready(channel, context.time_remaining())
            method: StreamMethod = channel.unary_stream(self._route.method)
            call = method(request, timeout=context.time_remaining(), metadata=metadata)
            await self._pass_answers(call, context)

    async def _pass_streams(self, requests: AsyncIterator[bytes], context: Context) -> None:
        metadata = self._admit()
        with self._backend.connection() as channel:
            await self._backend.ready(channel, context.time_remaining())
            method: StreamsMethod = channel.stream_stream(self._route.method)
            call = BidiCall(method(timeout=context.time_remaining(), metadata=metadata))
            upward = asyncio.create_task(_pass_requests(requests, call))
            try:
                await self._pass_answers(call, context)
            finally:
                upward.cancel()

    async def _pass_answers(self, call: StreamCall, context: Context) -> None:
        self._streams.add(call)
        with Vigil(self._backend, call) as vigil:
            try:
                while isinstance(message := await call.read(), bytes):  # else it is the end
                    vigil.end()
                    await context.write(message)
                context.set_trailing_metadata(_own(await call.trailing_metadata()))
            except asyncio.CancelledError:
                self._explain(vigil)
                raise
            finally:
                self._streams.discard(call)
                call.cancel()

    def _explain(self, vigil: Vigil) -> None:
        """Tell the caller why a call was given up, if we did that and not the caller."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            return
        if vigil.gave_up:
            raise UnavailableError(self._backend.name, self._backend.address) from None
        if self._closing:
            raise UnavailableError("gateway", "this address", "it is being stopped") from None

    def _admit(self) -> Entries:
        """Refuse people where they may not go; return what tells the service who calls."""
        caller = current_principal()
        if caller.kind == "service":
            return self._backend.metadata
        if self._route.internal:
            raise NotAllowedError(self._route.method.removeprefix("/"))
        return (*self._backend.metadata, (PRINCIPAL_KEY, encode_principal(caller)))

    async def _relay(self, error: grpc.aio.AioRpcError, context: Context) -> Never:
        """Answer as the service did; where it did not, say which one is away.

        gRPC keeps what aborts a call in a cycle, until the collector comes; so nothing may lead from there to
        the request, which may have megabytes.
        """
        error.__traceback__ = None
        trailing = _own(error.trailing_metadata() or ())
        detailed = any(key == DETAILS_KEY for key, _ in trailing)
        if error.code() in _BROKEN and not detailed:
            raise UnavailableError(
                self._backend.name, self._backend.address, "the connection was lost"
            ) from None
        await context.abort(error.code(), error.details() or "", trailing)


async def _pass_requests(requests: AsyncIterator[bytes], call: BidiCall[bytes, bytes]) -> None:
    # When the call has ended, its status says why; what could not be passed on is the caller's to repeat.
    with suppress(grpc.RpcError, grpc.aio.BaseError, asyncio.InvalidStateError):
        async for message in requests:
            await call.write(message)
            del message  # until the next one comes it may be long
        await call.done_writing()


def _own(metadata: "grpc.aio.Metadata | Entries") -> Entries:
    """What the service itself sent; gRPC writes the rest anew."""
    return tuple((key, value) for key, value in metadata if key == DETAILS_KEY or not key.startswith("grpc-"))
