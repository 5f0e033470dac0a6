"""How a client's connection to a server is set up."""

from collections.abc import Sequence

import grpc.aio

from sweepd.channel_metadata import AsyncMetadataChannel

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
