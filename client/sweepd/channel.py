"""How a client's connection to a server is set up."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc
import grpc.aio

from sweepd.channel_metadata import AsyncMetadataChannel

if TYPE_CHECKING:
    from grpc import _CallFuture, _CallIterator

Request = TypeVar("Request")
Response = TypeVar("Response")
_UNREADABLE = "unreadable"

OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    # The servers allow such pings; without them a half-open connection is never noticed.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # After a server's restart the next try comes soon; gRPC adds jitter.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # In spite of its name: how long an attempt to connect may take. A busy server needs a moment.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    # A connection of its own for each channel: gRPC would share one, and its limit of 100 streams.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)


def channel(address: str, token: str | None) -> grpc.Channel:
    """Open a channel for synchronous calls; it connects with the first of them.

    Args:
        address: HOST:PORT.
        token: presented with each call; None: none.
    """
    plain = grpc.insecure_channel(address, options=OPTIONS)
    return plain if token is None else grpc.intercept_channel(plain, _MetadataInterceptor([bearer(token)]))


def aio_channel(
    address: str, token: str | None, *, metadata: Sequence[tuple[str, str | bytes]] = ()
) -> grpc.aio.Channel:
    """Open a channel for asynchronous calls; it connects with the first of them.

    Args:
        address: HOST:PORT.
        token: presented with each call; None: none.
        metadata: sent with each call besides.
    """
    plain = grpc.aio.insecure_channel(address, options=OPTIONS)
    sent = [*([] if token is None else [bearer(token)]), *metadata]
    return AsyncMetadataChannel(plain, sent) if sent else plain


def bearer(token: str) -> tuple[str, str]:
    """The metadata entry that presents `token`.

    What metadata cannot carry is no token: it stays here, and the server says that it knows none such.
    """
    sent = token if token.isascii() and token.isprintable() else _UNREADABLE
    return ("authorization", f"Bearer {sent}")


@dataclass(frozen=True, kw_only=True)
class _CallDetails(grpc.ClientCallDetails):
    """What a call is made with; gRPC reads it by these names."""

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
    """Adds entries to every call of a synchronous channel."""

    def __init__(self, entries: Sequence[tuple[str, str]]) -> None:
        self._entries = tuple(entries)

    def intercept_unary_unary(
        self,
        continuation: "Callable[[grpc.ClientCallDetails, Request], _CallFuture[Response]]",
        client_call_details: grpc.ClientCallDetails,
        request: Request,
    ) -> "_CallFuture[Response]":
        """Make the call with the entries."""
        return continuation(self._extended(client_call_details), request)

    def intercept_unary_stream(
        self,
        continuation: "Callable[[grpc.ClientCallDetails, Request], _CallIterator[Response]]",
        client_call_details: grpc.ClientCallDetails,
        request: Request,
    ) -> "_CallIterator[Response]":
        """Make the call with the entries."""
        return continuation(self._extended(client_call_details), request)

    def intercept_stream_unary(
        self,
        continuation: "Callable[[grpc.ClientCallDetails, Iterator[Request]], _CallFuture[Response]]",
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[Request],
    ) -> "_CallFuture[Response]":
        """Make the call with the entries."""
        return continuation(self._extended(client_call_details), request_iterator)

    def intercept_stream_stream(
        self,
        continuation: "Callable[[grpc.ClientCallDetails, Iterator[Request]], _CallIterator[Response]]",
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[Request],
    ) -> "_CallIterator[Response]":
        """Make the call with the entries."""
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
