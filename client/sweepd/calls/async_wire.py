"""A connection whose calls are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

import grpc
import grpc.aio

from sweepd.calls.methods import A, Method, Q
from sweepd.calls.wire import CALL_SECONDS, closed
from sweepd.errors import error_of
from sweepd.rpc.channel import call_metadata, open_channel
from sweepd.rpc.failure import Failure


class AsyncWire:
    """Calls a server from one event loop, that of its first call."""

    suspends = True

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address
        self._metadata = call_metadata(token)
        self._channel: grpc.aio.Channel | None = None
        self._closed = False

    async def one(self, method: Method[Q, A], request: Q, *, seconds: float = CALL_SECONDS) -> A:
        """Return the answer of a call, which has so many seconds."""
        call: grpc.aio.UnaryUnaryMultiCallable[Q, A] = self._open().unary_unary(
            method.path, method.request.SerializeToString, method.response.FromString
        )
        with self._translated():
            return await call(request, timeout=seconds, metadata=self._metadata)

    async def stream(
        self, method: Method[Q, A], request: Q, *, seconds: float | None = None
    ) -> AsyncGenerator[A, None]:
        """Yield what a call brings, and end it with the reader."""
        start: grpc.aio.UnaryStreamMultiCallable[Q, A] = self._open().unary_stream(
            method.path, method.request.SerializeToString, method.response.FromString
        )
        call = start(request, timeout=seconds, metadata=self._metadata)
        try:
            with self._translated():
                async for message in call:
                    yield message
        finally:
            call.cancel()

    async def pause(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the connection; harmless when done twice."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()
        self._channel = None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise what a call raises as one of our own errors."""
        try:
            yield
        except grpc.RpcError as error:
            raise (closed() if self._closed else error_of(Failure.of(error), self.address)) from error
        except asyncio.CancelledError as error:
            # A channel that is closed cancels its calls. That is not what the cancellation of a task means.
            task = asyncio.current_task()
            if self._closed and not (task and task.cancelling()):
                raise closed() from error
            raise

    def _open(self) -> grpc.aio.Channel:
        if self._closed:
            raise closed()
        if self._channel is None:
            self._channel = open_channel(self.address)
        return self._channel
