"""How metadata gets onto every call of an asynchronous channel.

Call credentials would be gRPC's own way, but they want encryption. Its asynchronous interceptors put a queue
between a stream and its writer, which breaks back-pressure. So the channel is wrapped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeAlias, TypeVar

import grpc
import grpc.aio

Request = TypeVar("Request")
Response = TypeVar("Response")
Serializer: TypeAlias = Callable[[Request], bytes]
Deserializer: TypeAlias = Callable[[bytes], Response]
Metadata: TypeAlias = grpc.aio.Metadata | Sequence[tuple[str, str | bytes]]
Entries: TypeAlias = Sequence[tuple[str, str | bytes]]


class _Entries:
    """The entries of a channel, and how they join those of a call."""

    def __init__(self, entries: Entries) -> None:
        self._entries = tuple(entries)

    def joined(self, metadata: Metadata | None) -> Sequence[tuple[str, str | bytes]]:
        return (*metadata, *self._entries) if metadata else self._entries


class _UnaryUnary(grpc.aio.UnaryUnaryMultiCallable[Request, Response]):
    def __init__(self, inner: grpc.aio.UnaryUnaryMultiCallable[Request, Response], entries: _Entries) -> None:
        self._inner = inner
        self._entries = entries

    def __call__(
        self,
        request: Request,
        *,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> grpc.aio.UnaryUnaryCall[Request, Response]:
        return self._inner(
            request,
            timeout=timeout,
            metadata=self._entries.joined(metadata),
            credentials=credentials,
            wait_for_ready=wait_for_ready,
            compression=compression,
        )


class _UnaryStream(grpc.aio.UnaryStreamMultiCallable[Request, Response]):
    def __init__(
        self, inner: grpc.aio.UnaryStreamMultiCallable[Request, Response], entries: _Entries
    ) -> None:
        self._inner = inner
        self._entries = entries

    def __call__(
        self,
        request: Request,
        *,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> grpc.aio.UnaryStreamCall[Request, Response]:
        return self._inner(
            request,
            timeout=timeout,
            metadata=self._entries.joined(metadata),
            credentials=credentials,
            wait_for_ready=wait_for_ready,
            compression=compression,
        )


if TYPE_CHECKING:

    class _StreamUnaryMultiCallable(grpc.aio.StreamUnaryMultiCallable[Request, Response]): ...

    class _StreamStreamMultiCallable(grpc.aio.StreamStreamMultiCallable[Request, Response]): ...

else:
    # In older versions of gRPC they are not generic, unlike the other two.

    class _StreamUnaryMultiCallable(grpc.aio.StreamUnaryMultiCallable, Generic[Request, Response]): ...

    class _StreamStreamMultiCallable(grpc.aio.StreamStreamMultiCallable, Generic[Request, Response]): ...


class _StreamUnary(_StreamUnaryMultiCallable[Request, Response]):
    def __init__(
        self, inner: grpc.aio.StreamUnaryMultiCallable[Request, Response], entries: _Entries
    ) -> None:
        self._inner = inner
        self._entries = entries

    def __call__(
        self,
        request_iterator: AsyncIterator[Request] | Iterator[Request] | None = None,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> grpc.aio.StreamUnaryCall[Request, Response]:
        joined = self._entries.joined(metadata)
        return self._inner(request_iterator, timeout, joined, credentials, wait_for_ready, compression)


class _StreamStream(_StreamStreamMultiCallable[Request, Response]):
    def __init__(
        self, inner: grpc.aio.StreamStreamMultiCallable[Request, Response], entries: _Entries
    ) -> None:
        self._inner = inner
        self._entries = entries

    def __call__(
        self,
        request_iterator: AsyncIterator[Request] | Iterator[Request] | None = None,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        credentials: grpc.CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: grpc.Compression | None = None,
    ) -> grpc.aio.StreamStreamCall[Request, Response]:
        joined = self._entries.joined(metadata)
        return self._inner(request_iterator, timeout, joined, credentials, wait_for_ready, compression)


class AsyncMetadataChannel(grpc.aio.Channel):
    """A channel that adds entries to every call and is the wrapped one in all else.

    `_registered_method` is what generated stubs say to the channel; only their own gRPC version knows why.
    """

    def __init__(self, inner: grpc.aio.Channel, entries: Entries) -> None:
        self._inner = inner
        self._entries = _Entries(entries)

    def unary_unary(
        self,
        method: str,
        request_serializer: Serializer[Request] | None = None,
        response_deserializer: Deserializer[Response] | None = None,
        _registered_method: bool = False,
    ) -> grpc.aio.UnaryUnaryMultiCallable[Request, Response]:
        """Return the method as something to call."""
        inner = self._inner.unary_unary(method, request_serializer, response_deserializer)
        return _UnaryUnary(inner, self._entries)

    def unary_stream(
        self,
        method: str,
        request_serializer: Serializer[Request] | None = None,
        response_deserializer: Deserializer[Response] | None = None,
        _registered_method: bool = False,
    ) -> grpc.aio.UnaryStreamMultiCallable[Request, Response]:
        """Return the method as something to call."""
        inner = self._inner.unary_stream(method, request_serializer, response_deserializer)
        return _UnaryStream(inner, self._entries)

    def stream_unary(
        self,
        method: str,
        request_serializer: Serializer[Request] | None = None,
        response_deserializer: Deserializer[Response] | None = None,
        _registered_method: bool = False,
    ) -> grpc.aio.StreamUnaryMultiCallable[Request, Response]:
        """Return the method as something to call."""
        inner = self._inner.stream_unary(method, request_serializer, response_deserializer)
        return _StreamUnary(inner, self._entries)

    def stream_stream(
        self,
        method: str,
        request_serializer: Serializer[Request] | None = None,
        response_deserializer: Deserializer[Response] | None = None,
        _registered_method: bool = False,
    ) -> grpc.aio.StreamStreamMultiCallable[Request, Response]:
        """Return the method as something to call."""
        inner = self._inner.stream_stream(method, request_serializer, response_deserializer)
        return _StreamStream(inner, self._entries)

    async def close(self, grace: float | None = None) -> None:
        """Close the connection; calls get `grace` seconds."""
        await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """How the connection stands."""
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Return once the connection stands otherwise."""
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Return once the connection stands."""
        await self._inner.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self._inner.close()
