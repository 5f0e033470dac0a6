"""Blocking gRPC channels whose calls present a token, for generated stubs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc

from sweepd.rpc.channel import OPTIONS, bearer

if TYPE_CHECKING:
    from grpc import _CallFuture, _CallIterator

Request = TypeVar("Request")
Response = TypeVar("Response")


def channel(address: str, token: str | None) -> grpc.Channel:
    """Open a blocking channel; it connects at the first call.

    Args:
        address: HOST:PORT.
        token: sent with each call; None sends no token.
    """
    plain = grpc.insecure_channel(address, options=OPTIONS)
    return plain if token is None else grpc.intercept_channel(plain, _MetadataInterceptor([bearer(token)]))


@dataclass(frozen=True, kw_only=True)
class _CallDetails(grpc.ClientCallDetails):
    """Details of a call, with the attribute names that gRPC reads."""

    method: str
    timeout: float | None
    metadata: tuple[tuple[str, str | bytes], ...] | None
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class _MetadataInterceptor(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Interceptor that adds metadata to every call of a blocking channel."""

    def __init__(self, entries: Sequence[tuple[str, str]]) -> None:
        self._entries = tuple(entries)

    def intercept_unary_unary(
        self,
        continuation: "Callable[[grpc.ClientCallDetails, Request], _CallFuture[Response]]",
        client_call_details: grpc.ClientCallDetails,
        request: Request,
    ) -> "_CallFuture[Response]":
        """Make the call with the added metadata."""
        return continuation(self._extended(client_call_details), request)

    def intercept_unary_stream(
        self,
        continuation: "Callable[[grpc.ClientCallDetails, Request], _CallIterator[Response]]",
        client_call_details: grpc.ClientCallDetails,
        request: Request,
    ) -> "_CallIterator[Response]":
        """Make the call with the added metadata."""
        return continuation(self._extended(client_call_details), request)

    def intercept_stream_unary(
        self,
        continuation: "Callable[[grpc.ClientCallDetails, Iterator[Request]], _CallFuture[Response]]",
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[Request],
    ) -> "_CallFuture[Response]":
        """Make the call with the added metadata."""
        return continuation(self._extended(client_call_details), request_iterator)

    def intercept_stream_stream(
        self,
        continuation: "Callable[[grpc.ClientCallDetails, Iterator[Request]], _CallIterator[Response]]",
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[Request],
    ) -> "_CallIterator[Response]":
        """Make the call with the added metadata."""
        return continuation(self._extended(client_call_details), request_iterator)

    def _extended(self, details: grpc.ClientCallDetails) -> _CallDetails:
        return _CallDetails(
            method=details.method,
            timeout=details.timeout,
            metadata=(*(details.metadata or ()), *self._entries),
            credentials=details.credentials,
            wait_for_ready=details.wait_for_ready,
            compression=details.compression,
        )
