"""The gateway as a running service: what it registers, what it leaves for the clients of its account."""

import asyncio
import logging
from collections.abc import Mapping

import grpc
import grpc.aio

from sweepd.rpc.discovery import ServerEntry, remove_entry, write_entry
from sweepd.v1 import server_service_pb2, server_service_pb2_grpc
from sweepd_gateway.backend import Backend
from sweepd_gateway.passage import Passage
from sweepd_gateway.routes import routes, service_names
from sweepd_gateway.server_servicer import ServerInfoServicer
from sweepd_gateway.tokens import DoorTokens
from sweepd_kernel.flags import parse_address


class Gateway(grpc.GenericRpcHandler):
    """Passes the calls of people and agents on, and answers for the server as a whole."""

    def __init__(
        self,
        backends: Mapping[str, Backend],
        server_info: ServerInfoServicer,
        tokens: DoorTokens,
        *,
        access_token: str,
        server_data: str,
        log: logging.Logger,
    ) -> None:
        """Take the services by name, and what the discovery entry shall say.

        Args:
            backends: the services behind the door.
            server_info: answers ServerService.
            tokens: what is known of the tokens of people.
            access_token: left for the clients of this account.
            server_data: folder of the server's data, for display.
            log: where failures are noted.
        """
        self._backends = backends
        self._server_info = server_info
        self._tokens = tokens
        self._following: asyncio.Task[None] | None = None
        self._access_token = access_token
        self._server_data = server_data
        self._log = log
        self._passages = {
            method: Passage(route, backends[route.backend]) for method, route in routes().items()
        }
        self._handlers = {method: passage.handler() for method, passage in self._passages.items()}
        self._address = ""

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """Find the handler of a method; None: the door does not know it."""
        return self._handlers.get(handler_call_details.method)

    def register(self, server: grpc.aio.Server) -> tuple[str, ...]:
        """Add what the gateway serves, and return the names of the services."""
        server_service_pb2_grpc.add_ServerServiceServicer_to_server(self._server_info, server)
        server.add_generic_rpc_handlers((self,))
        own = server_service_pb2.DESCRIPTOR.services_by_name["ServerService"].full_name
        return (*service_names(), own)

    async def start(self, address: str) -> None:
        """Make the server known to its account, and begin to hear what is revoked."""
        self._following = asyncio.get_running_loop().create_task(self._tokens.follow())
        self._address = address
        self._server_info.open_at(address)
        bound = parse_address(address)
        entry = ServerEntry(
            address=address,
            token=self._access_token,
            data=self._server_data,
            host=bound.host,
            port=bound.port,
            services={name: backend.address for name, backend in self._backends.items()},
        )
        try:
            write_entry(entry)
        except OSError as error:
            # Clients can still be told the address and the token, so the door opens.
            self._log.warning(
                "clients of this account cannot find this server: %s",
                error.strerror,
                extra={"place": error.filename},
            )

    async def stop(self) -> None:
        """Take the entry back, and end the streams."""
        if self._following is not None:
            self._following.cancel()
        if self._address:
            try:
                remove_entry(self._address)
            except OSError as error:
                self._log.warning("the discovery entry stays: %s", error.strerror)
        for passage in self._passages.values():
            passage.close()
