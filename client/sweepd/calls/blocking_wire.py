"""A connection whose calls block their caller."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

import grpc

from sweepd.calls.methods import A, Method, Q
from sweepd.calls.wire import CALL_SECONDS, closed
from sweepd.errors import error_of
from sweepd.rpc.channel import call_metadata, open_blocking_channel
from sweepd.rpc.failure import Failure


class BlockingWire:
    """Calls a server. Connects with the first call, and again in a process that was forked meanwhile."""

    suspends = False

    def __init__(self, address: str, token: str | None) -> None:
        self.address = address
        self._metadata = call_metadata(token)
        self._closed = False
        self._connect()

    async def one(self, method: Method[Q, A], request: Q, *, seconds: float = CALL_SECONDS) -> A:
        """Return the answer of a call, which has so many seconds."""
        call: Callable[..., A] = self._open().unary_unary(
            method.path, method.request.SerializeToString, method.response.FromString
        )
        with self._translated():
            return call(request, timeout=seconds, metadata=self._metadata)

    async def stream(
        self, method: Method[Q, A], request: Q, *, seconds: float | None = None
    ) -> AsyncGenerator[A, None]:
        """Yield what a call brings, and end it with the reader."""
        start = self._open().unary_stream(
            method.path, method.request.SerializeToString, method.response.FromString
        )
        call = start(request, timeout=seconds, metadata=self._metadata)
        try:
            with self._translated():
                for message in call:
                    yield message
        finally:
            call.cancel()

    async def pause(self, seconds: float) -> None:
        """Return after so many seconds."""
        time.sleep(seconds)  # noqa: ASYNC251 - the one that is called is the one that waits

    async def close(self) -> None:
        """Close the connection; harmless when done twice."""
        self._closed = True
        if self._pid == os.getpid():
            self._channel.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise what a call raises as one of our own errors."""
        try:
            yield
        except grpc.RpcError as error:
            raise (closed() if self._closed else error_of(Failure.of(error), self.address)) from error

    def _open(self) -> grpc.Channel:
        if self._closed:
            raise closed()
        if self._pid != os.getpid():
            # That of the parent is left alone: it is the parent's to close.
            self._connect()
        return self._channel

    def _connect(self) -> None:
        self._channel = open_blocking_channel(self.address)
        self._pid = os.getpid()
