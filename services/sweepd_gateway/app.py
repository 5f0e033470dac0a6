"""Wiring of the gateway: its transports, and the discovery entry for clients of the same account.

Routes and proxies are independent of the transport. `_GrpcRoutes` serves them over gRPC; another transport
needs a similar class.
"""

import argparse
import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

import grpc
import grpc.aio

from sweepd.rpc.discovery import ServerEntry, remove_entry, write_entry
from sweepd.v1 import server_service_pb2, server_service_pb2_grpc
from sweepd_gateway.backend import Backend
from sweepd_gateway.call_routes import routes, service_names
from sweepd_gateway.proxy import Proxy
from sweepd_gateway.server_servicer import ServerInfoServicer
from sweepd_gateway.tokens import CachedTokens
from sweepd_kernel.flags import address
from sweepd_kernel.service import ServiceContext, ServiceDefinition


class Gateway:
    """Running gateway, which forwards the calls of people and agents, and describes the server."""

    def __init__(
        self,
        backends: Mapping[str, Backend],
        server_info: ServerInfoServicer,
        tokens: CachedTokens,
        *,
        access_token: str,
        server_data: str,
        log: logging.Logger,
    ) -> None:
        """Create the gateway.

        Args:
            backends: the services behind the gateway, by name.
            server_info: servicer of ServerService.
            tokens: cache of people's tokens.
            access_token: token in the discovery entry.
            server_data: path of the server's data folder, which the discovery entry shows.
            log: log of failures.
        """
        self._backends = backends
        self._server_info = server_info
        self._tokens = tokens
        self._following: asyncio.Task[None] | None = None
        self._access_token = access_token
        self._server_data = server_data
        self._log = log
        self._proxies = {path: Proxy(route, backends[route.backend]) for path, route in routes().items()}
        self._address = ""

    def register(self, server: grpc.aio.Server) -> tuple[str, ...]:
        """Add the servicers and the routes to a gRPC server, and return the names of the services."""
        server_service_pb2_grpc.add_ServerServiceServicer_to_server(self._server_info, server)
        server.add_generic_rpc_handlers((_GrpcRoutes(self._proxies),))
        server_service = server_service_pb2.DESCRIPTOR.services_by_name["ServerService"].full_name
        return (*service_names(), server_service)

    async def start(self, address: str) -> None:
        """Write the discovery entry, and start to receive revocations."""
        self._following = asyncio.get_running_loop().create_task(self._tokens.follow())
        self._address = address
        self._server_info.open_at(address)
        entry = ServerEntry(
            address=address,
            token=self._access_token,
            data=self._server_data,
            services={name: backend.address for name, backend in self._backends.items()},
        )
        try:
            write_entry(entry)
        except OSError as error:
            # The gateway starts nevertheless: users can give clients the address and the token.
            self._log.warning(
                "clients of this account cannot find this server: %s",
                error.strerror,
                extra={"place": error.filename},
            )

    async def stop(self) -> None:
        """Remove the discovery entry, and end the streams."""
        if self._following is not None:
            self._following.cancel()
        if self._address:
            try:
                remove_entry(self._address)
            except OSError as error:
                self._log.warning("the discovery entry cannot be removed: %s", error.strerror)
        for proxy in self._proxies.values():
            proxy.close()


class _GrpcRoutes(grpc.GenericRpcHandler):
    """Handler of the routes for gRPC."""

    def __init__(self, proxies: Mapping[str, Proxy]) -> None:
        self._handlers = {path: _handler(proxy) for path, proxy in proxies.items()}

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """Return the handler of a method, or None if there is no route."""
        return self._handlers.get(handler_call_details.method)


def _handler(proxy: Proxy) -> "grpc.RpcMethodHandler[bytes, bytes]":
    """Return a handler without serializers: it receives and returns bytes."""
    if proxy.route.request_streaming:
        return grpc.stream_stream_rpc_method_handler(proxy.bidi_stream)
    if proxy.route.response_streaming:
        return grpc.unary_stream_rpc_method_handler(proxy.server_stream)
    return grpc.unary_unary_rpc_method_handler(proxy.unary)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the gateway's own flags."""
    for flag, what in (
        ("--scheduler", "the scheduler"),
        ("--metrics", "the metric store"),
        ("--suggestion", "the suggestion service"),
    ):
        parser.add_argument(flag, type=address, required=True, metavar="HOST:PORT", help=f"address of {what}")
    parser.add_argument(
        "--server-data", type=Path, metavar="DIR", help="data folder of the server, for its discovery entry"
    )


async def open_gateway(context: ServiceContext) -> Gateway:
    """Create the gateway, which connects to its services on demand."""
    flags = context.flags
    backends = {
        name: Backend(name, str(where), context.service_token)
        for name, where in (
            ("scheduler", flags.scheduler),
            ("metric-store", flags.metrics),
            ("suggestion", flags.suggestion),
        )
    }
    tokens = CachedTokens(backends["scheduler"], context.gate.calls, context.clock.monotonic, context.log)
    context.gate.tokens = tokens
    return Gateway(
        backends,
        ServerInfoServicer(tuple(backends.values()), context.clock),
        tokens,
        access_token=context.access_token,
        server_data="" if flags.server_data is None else str(flags.server_data),
        log=context.log,
    )


SERVICE = ServiceDefinition(
    name="gateway",
    help="Single address for people and agents: authenticates calls and forwards them to the services.",
    has_data=False,
    accepts_people=True,
    add_flags=add_flags,
    open=open_gateway,
)
