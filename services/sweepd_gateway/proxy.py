"""Proxy of one method: forwards messages as bytes, with status and details unchanged.

It is independent of the transport: the caller's side of a call is an `Exchange`, such as a gRPC context.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from typing import Never, Protocol, TypeAlias

import grpc
import grpc.aio

from sweepd.rpc.bidi_call import BidiCall
from sweepd.rpc.channel import Entries
from sweepd_gateway.backend import Backend
from sweepd_gateway.call_routes import Route
from sweepd_kernel.auth.principal import current_principal
from sweepd_kernel.auth.principal_codec import PRINCIPAL_KEY, encode_principal
from sweepd_kernel.errors import NotAllowedError, UnavailableError
from sweepd_kernel.rpc.interceptors import DETAILS_KEY

# During a long call, the health of its service is polled; the call is cancelled if the service hangs.
INTERVAL = 2.0
PATIENCE = 4.0

Call: TypeAlias = (
    "grpc.aio.UnaryUnaryCall[bytes, bytes] | grpc.aio.UnaryStreamCall[bytes, bytes] | BidiCall[bytes, bytes]"
)


class Watchdog:
    """Watchdog that cancels a call if the service hangs before its first response."""

    def __init__(self, backend: Backend, call: Call) -> None:
        self._backend = backend
        self._call = call
        self._task: asyncio.Task[None] | None = None
        # Start with a timer: nearly every call is answered before a task is needed.
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._begin)
        self.gave_up = False

    def close(self) -> None:
        """Stop watching."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while await self._backend.answers(PATIENCE):  # noqa: ASYNC110 (an exchange, not a flag)
            await asyncio.sleep(INTERVAL)
        self.gave_up = True
        self._call.cancel()


StreamCall: TypeAlias = "grpc.aio.UnaryStreamCall[bytes, bytes] | BidiCall[bytes, bytes]"
UnaryMethod: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"
StreamMethod: TypeAlias = "grpc.aio.UnaryStreamMultiCallable[bytes, bytes]"
BidiMethod: TypeAlias = "grpc.aio.StreamStreamMultiCallable[bytes, bytes]"

# Statuses that gRPC itself reports for a lost connection; services add details when they send one of these.
_BROKEN = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})


class Exchange(Protocol):
    """Port of the caller's side of a call."""

    def time_remaining(self) -> float | None:
        """Return the seconds until the caller's deadline; None if there is no deadline."""

    async def write(self, message: bytes, /) -> None:
        """Send a response message."""

    def set_trailing_metadata(self, entries: Entries, /) -> None:
        """Set the metadata to send after the response."""

    async def abort(self, code: grpc.StatusCode, details: str, entries: Entries, /) -> Never:
        """End the call with a status."""


class Proxy:
    """Proxy of the calls of one method to its service."""

    def __init__(self, route: Route, backend: Backend) -> None:
        self.route = route
        self._backend = backend
        self._streams: set[StreamCall] = set()
        self._closing = False

    async def unary(self, request: bytes, exchange: Exchange) -> bytes:
        """Forward a request, and return the response."""
        try:
            return await self._unary(request, exchange)
        except grpc.aio.AioRpcError as error:
            request = b""  # see `_abort`
            await self._abort(error, exchange)

    async def server_stream(self, request: bytes, exchange: Exchange) -> None:
        """Forward a request, and the response stream."""
        try:
            await self._server_stream(request, exchange)
        except grpc.aio.AioRpcError as error:
            request = b""  # see `_abort`
            await self._abort(error, exchange)

    async def bidi_stream(self, requests: AsyncIterator[bytes], exchange: Exchange) -> None:
        """Forward both streams; either side may end its stream first."""
        try:
            await self._bidi_stream(requests, exchange)
        except grpc.aio.AioRpcError as error:
            await self._abort(error, exchange)

    def close(self) -> None:
        """End all streams, which could last for days, with UNAVAILABLE."""
        self._closing = True
        for call in tuple(self._streams):
            call.cancel()

    async def _unary(self, request: bytes, exchange: Exchange) -> bytes:
        metadata = self._request_metadata()
        async with self._backend.connection(exchange.time_remaining()) as channel:
            method: UnaryMethod = channel.unary_unary(self.route.method)
            call = method(request, timeout=exchange.time_remaining(), metadata=metadata)
            with closing(Watchdog(self._backend, call)) as watchdog:
                try:
                    answer = await call
                    exchange.set_trailing_metadata(_service_metadata(await call.trailing_metadata()))
                except asyncio.CancelledError:
                    self._raise_cause(watchdog)
                    raise
                else:
                    return answer

    async def _server_stream(self, request: bytes, exchange: Exchange) -> None:
        metadata = self._request_metadata()
        async with self._backend.connection(exchange.time_remaining()) as channel:
            method: StreamMethod = channel.unary_stream(self.route.method)
            call = method(request, timeout=exchange.time_remaining(), metadata=metadata)
            await self._forward_answers(call, exchange)

    async def _bidi_stream(self, requests: AsyncIterator[bytes], exchange: Exchange) -> None:
        metadata = self._request_metadata()
        async with self._backend.connection(exchange.time_remaining()) as channel:
            method: BidiMethod = channel.stream_stream(self.route.method)
            call = BidiCall(method(timeout=exchange.time_remaining(), metadata=metadata))
            forwarding = asyncio.create_task(_forward_requests(requests, call))
            try:
                await self._forward_answers(call, exchange)
            finally:
                forwarding.cancel()

    async def _forward_answers(self, call: StreamCall, exchange: Exchange) -> None:
        self._streams.add(call)
        with closing(Watchdog(self._backend, call)) as watchdog:
            try:
                while isinstance(message := await call.read(), bytes):  # any other value marks the end
                    watchdog.close()
                    await exchange.write(message)
                exchange.set_trailing_metadata(_service_metadata(await call.trailing_metadata()))
            except asyncio.CancelledError:
                self._raise_cause(watchdog)
                raise
            finally:
                self._streams.discard(call)
                call.cancel()

    def _raise_cause(self, watchdog: Watchdog) -> None:
        """Raise the reason for the cancellation of a call, unless the caller cancelled it."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            return
        if watchdog.gave_up:
            raise UnavailableError(self._backend.name, self._backend.address) from None
        if self._closing:
            raise UnavailableError("gateway", "this address", "it is being stopped") from None

    def _request_metadata(self) -> Entries:
        """Reject internal calls by people; return the metadata that identifies the caller to the service."""
        caller = current_principal()
        if caller.kind == "service":
            return self._backend.metadata
        if self.route.internal:
            raise NotAllowedError(self.route.method.removeprefix("/"))
        return (*self._backend.metadata, (PRINCIPAL_KEY, encode_principal(caller)))

    async def _abort(self, error: grpc.aio.AioRpcError, exchange: Exchange) -> Never:
        """Forward the status of the service; if the connection was lost, report the service as unavailable.

        gRPC keeps the exception that aborts a call in a reference cycle until garbage collection, so the
        exception must not refer to the request, which may have several megabytes.
        """
        error.__traceback__ = None
        trailing = _service_metadata(error.trailing_metadata() or ())
        detailed = any(key == DETAILS_KEY for key, _ in trailing)
        if error.code() in _BROKEN and not detailed:
            raise UnavailableError(
                self._backend.name, self._backend.address, "the connection was lost"
            ) from None
        await exchange.abort(error.code(), error.details() or "", trailing)


async def _forward_requests(requests: AsyncIterator[bytes], call: BidiCall[bytes, bytes]) -> None:
    # Errors are ignored: the status of the call has the reason, and the caller resends lost messages.
    with suppress(grpc.RpcError, grpc.aio.BaseError, asyncio.InvalidStateError):
        async for message in requests:
            await call.write(message)
            del message  # release it now, as the next message may arrive much later
        await call.done_writing()


def _service_metadata(metadata: "grpc.aio.Metadata | Entries") -> Entries:
    """Return the metadata that the service sent, without the entries that gRPC added."""
    return tuple((key, value) for key, value in metadata if key == DETAILS_KEY or not key.startswith("grpc-"))
