"""Wires over gRPC: one with blocking calls, one with asynchronous calls."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

import grpc
import grpc.aio
from google.protobuf.message import Message

from sweepd.calls.wire import CALL_SECONDS, A, closed, path_of
from sweepd.errors import error_of
from sweepd.rpc.channel import call_metadata, open_blocking_channel, open_channel
from sweepd.rpc.failure import Failure


class _GrpcWire:
    """Base of the wires: address and token of a server, and conversion of gRPC errors to ClientErrors."""

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address
        self._metadata = call_metadata(token)
        self._closed = False

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Convert gRPC errors raised in the block to ClientErrors."""
        try:
            yield
        except grpc.RpcError as error:
            raise (closed() if self._closed else error_of(Failure.of(error), self.address)) from error
        except asyncio.CancelledError as error:
            # Closing a channel cancels its calls, which must not look like a cancellation of the task.
            task = asyncio.current_task()
            if self._closed and not (task and task.cancelling()):
                raise closed() from error
            raise


def _method(
    request: Message, response: type[A]
) -> tuple[str, Callable[[Message], bytes], Callable[[bytes], A]]:
    """Return the path of a method, its request serializer and its response deserializer."""
    return path_of(request, response), type(request).SerializeToString, response.FromString


class BlockingWire(_GrpcWire):
    """Wire with blocking calls; reconnects in a forked process."""

    suspends = False

    def __init__(self, address: str, token: str | None) -> None:
        super().__init__(address, token)
        self._connect()

    async def one(self, request: Message, response: type[A], *, seconds: float = CALL_SECONDS) -> A:
        """Make a call with a deadline of `seconds`; return the response."""
        call: Callable[..., A] = self._open().unary_unary(*_method(request, response))
        with self._translated():
            return call(request, timeout=seconds, metadata=self._metadata)

    async def stream(
        self, request: Message, response: type[A], *, seconds: float | None = None
    ) -> AsyncGenerator[A, None]:
        """Yield the messages of a call; cancel the call when the reader stops."""
        start = self._open().unary_stream(*_method(request, response))
        call = start(request, timeout=seconds, metadata=self._metadata)
        try:
            with self._translated():
                for message in call:
                    yield message
        finally:
            call.cancel()

    async def pause(self, seconds: float) -> None:
        """Wait for some seconds."""
        time.sleep(seconds)  # noqa: ASYNC251 - this wire blocks its caller

    async def close(self) -> None:
        """Close the connection; idempotent."""
        self._closed = True
        if self._pid == os.getpid():
            self._channel.close()

    def _open(self) -> grpc.Channel:
        if self._closed:
            raise closed()
        if self._pid != os.getpid():
            # Leave the channel of the parent process open; only the parent closes it.
            self._connect()
        return self._channel

    def _connect(self) -> None:
        self._channel = open_blocking_channel(self.address)
        self._pid = os.getpid()


class AsyncWire(_GrpcWire):
    """Wire with asynchronous calls, bound to the event loop of its first call."""

    suspends = True

    def __init__(self, address: str, token: str | None) -> None:
        super().__init__(address, token)
        self._channel: grpc.aio.Channel | None = None

    async def one(self, request: Message, response: type[A], *, seconds: float = CALL_SECONDS) -> A:
        """Make a call with a deadline of `seconds`; return the response."""
        call: grpc.aio.UnaryUnaryMultiCallable[Message, A] = self._open().unary_unary(
            *_method(request, response)
        )
        with self._translated():
            return await call(request, timeout=seconds, metadata=self._metadata)

    async def stream(
        self, request: Message, response: type[A], *, seconds: float | None = None
    ) -> AsyncGenerator[A, None]:
        """Yield the messages of a call; cancel the call when the reader stops."""
        start: grpc.aio.UnaryStreamMultiCallable[Message, A] = self._open().unary_stream(
            *_method(request, response)
        )
        call = start(request, timeout=seconds, metadata=self._metadata)
        try:
            with self._translated():
                async for message in call:
                    yield message
        finally:
            call.cancel()

    async def pause(self, seconds: float) -> None:
        """Wait for some seconds."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the connection; idempotent."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()
        self._channel = None

    def _open(self) -> grpc.aio.Channel:
        if self._closed:
            raise closed()
        if self._channel is None:
            self._channel = open_channel(self.address)
        return self._channel
