"""Channels that present metadata with every kind of call, bidirectional streams too."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import TypeAlias, TypeVar

import grpc.aio

from sweepd.rpc.channel import OPTIONS, Entries, call_metadata

Request = TypeVar("Request")
Response = TypeVar("Response")
Details: TypeAlias = grpc.aio.ClientCallDetails
Requests: TypeAlias = AsyncIterable[Request] | Iterable[Request]


def token_channel(address: str, token: str | None, *metadata: tuple[str, str | bytes]) -> grpc.aio.Channel:
    """Open a channel whose calls present a token, if any, and further metadata."""
    entries: Entries = (*call_metadata(token), *metadata)
    return grpc.aio.insecure_channel(
        address,
        options=OPTIONS,
        interceptors=(_UnaryUnary(entries), _UnaryStream(entries), _StreamStream(entries)),
    )


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


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    async def intercept_stream_stream(
        self,
        continuation: (
            "Callable[[Details, Requests[Request]], Awaitable[grpc.aio.StreamStreamCall[Request, Response]]]"
        ),
        client_call_details: Details,
        request_iterator: Requests[Request],
    ) -> "grpc.aio.StreamStreamCall[Request, Response]":
        return await continuation(_extended(client_call_details, self._entries), request_iterator)


def _extended(details: Details, entries: Entries) -> Details:
    metadata = grpc.aio.Metadata(*(details.metadata or ()), *entries)
    return grpc.aio.ClientCallDetails(
        details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
    )
