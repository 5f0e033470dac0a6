"""Asynchronous gRPC channels that send a token and metadata with calls of every kind."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import grpc.aio

from sweepd.rpc.channel import OPTIONS, Entries, call_metadata

Request = TypeVar("Request")
Response = TypeVar("Response")
Details: TypeAlias = grpc.aio.ClientCallDetails


def token_channel(address: str, token: str | None, *metadata: tuple[str, str | bytes]) -> grpc.aio.Channel:
    """Open a channel whose calls send a token, if given, and further metadata."""
    entries: Entries = (*call_metadata(token), *metadata)
    channel = grpc.aio.insecure_channel(
        address, options=OPTIONS, interceptors=(_UnaryUnary(entries), _UnaryStream(entries))
    )
    # No interceptor here: that of grpc.aio hides the status of a stream that ends during a write.
    open_stream = channel.stream_stream

    def stream_stream(*arguments: Any, **options: Any) -> Callable[..., object]:
        call: Callable[..., object] = open_stream(*arguments, **options)
        return lambda *given, metadata=(), **more: call(*given, metadata=(*metadata, *entries), **more)

    channel.stream_stream = stream_stream  # type: ignore[method-assign,assignment]
    return channel


class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    async def intercept_unary_unary(
        self,
        continuation: "Callable[[Details, Request], Awaitable[grpc.aio.UnaryUnaryCall[Request, Response]]]",
        client_call_details: Details,
        request: Request,
    ) -> "grpc.aio.UnaryUnaryCall[Request, Response]":
        return await continuation(_extended(client_call_details, self._entries), request)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    async def intercept_unary_stream(
        self,
        continuation: "Callable[[Details, Request], Awaitable[grpc.aio.UnaryStreamCall[Request, Response]]]",
        client_call_details: Details,
        request: Request,
    ) -> "grpc.aio.UnaryStreamCall[Request, Response]":
        return await continuation(_extended(client_call_details, self._entries), request)


def _extended(details: Details, entries: Entries) -> Details:
    metadata = grpc.aio.Metadata(*(details.metadata or ()), *entries)
    return grpc.aio.ClientCallDetails(
        details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
    )
