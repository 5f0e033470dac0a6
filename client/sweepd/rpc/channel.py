"""Channels to servers, for clients, agents and services.

TLS is enabled by passing `credentials`; without them a channel is not encrypted. For listeners, see
`sweepd_kernel/rpc/listener.py`.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import grpc
import grpc.aio
from grpc.experimental import ChannelOptions

Request = TypeVar("Request")
Response = TypeVar("Response")
Entries: TypeAlias = tuple[tuple[str, str | bytes], ...]

OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    # Without these pings, which the servers allow, a half-open connection would never be detected.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # Reconnect soon after a server restart; gRPC adds jitter.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Despite its name, the time limit of one connection attempt; a busy server needs some time.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    # One connection per channel; by default, channels share a connection, with its limit of 100 streams.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)
# By default, gRPC reads each stream in a separate thread, which slightly outlives the stream.
_BLOCKING_OPTIONS = (*OPTIONS, (ChannelOptions.SingleThreadedUnaryStream, 1))
_UNREADABLE = "unreadable"


def open_channel(
    address: str,
    token: str | None = None,
    *,
    credentials: grpc.ChannelCredentials | None = None,
) -> grpc.aio.Channel:
    """Open a channel for asynchronous calls; the first call connects.

    Interceptors add the token to each call. Callers of bidirectional streams pass `call_metadata` themselves,
    because an interceptor would add a queue and two tasks to each stream.

    Args:
        address: HOST:PORT.
        token: access token sent with each call, if any.
        credentials: TLS credentials; None for no encryption.
    """
    entries = call_metadata(token)
    interceptors = (_UnaryUnary(entries), _UnaryStream(entries)) if entries else ()
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=OPTIONS, interceptors=interceptors)
    return grpc.aio.secure_channel(address, credentials, options=OPTIONS, interceptors=interceptors)


def open_blocking_channel(
    address: str, *, credentials: grpc.ChannelCredentials | None = None
) -> grpc.Channel:
    """Open a channel for blocking calls; callers pass `call_metadata` themselves."""
    if credentials is None:
        return grpc.insecure_channel(address, options=_BLOCKING_OPTIONS)
    return grpc.secure_channel(address, credentials, options=_BLOCKING_OPTIONS)


def call_metadata(token: str | None) -> Entries:
    """Return the metadata of a call with `token`; empty for None."""
    return () if token is None else (bearer(token),)


def bearer(token: str) -> tuple[str, str]:
    """Return the authorization header for `token`.

    A token that is not valid in a header is replaced by a placeholder, which the server rejects.
    """
    sent = token if token.isascii() and token.isprintable() else _UNREADABLE
    return ("authorization", f"Bearer {sent}")


class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    async def intercept_unary_unary(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, Request], "Awaitable[grpc.aio.UnaryUnaryCall[Request, Response]]"
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Request,
    ) -> "grpc.aio.UnaryUnaryCall[Request, Response]":
        """Make the call, adding metadata."""
        return await continuation(_extended(client_call_details, self._entries), request)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    async def intercept_unary_stream(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, Request], "Awaitable[grpc.aio.UnaryStreamCall[Request, Response]]"
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Request,
    ) -> "grpc.aio.UnaryStreamCall[Request, Response]":
        """Make the call, adding metadata."""
        return await continuation(_extended(client_call_details, self._entries), request)


def _extended(details: grpc.aio.ClientCallDetails, entries: Entries) -> grpc.aio.ClientCallDetails:
    metadata = grpc.aio.Metadata(*(details.metadata or ()), *entries)
    return grpc.aio.ClientCallDetails(
        details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
    )
