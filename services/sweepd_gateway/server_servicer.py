"""Servicer that describes the server: version, host, address for agents, health of the services."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.v1 import server_service_pb2_grpc
from sweepd_gateway.backend import Backend
from sweepd_kernel.clock import Clock

PROTOCOL_VERSION = 1
HEALTH_MAX_AGE = 1.0


class ServerInfoServicer(server_service_pb2_grpc.ServerServiceServicer):
    """Servicer of ServerService; checks the health of the services at most once a second."""

    def __init__(self, backends: Sequence[Backend], clock: Clock) -> None:
        self._backends = tuple(backends)
        self._clock = clock
        self._address = ""
        self._start_time = Timestamp()
        self._serving: tuple[bool, ...] = ()
        self._checked_at = 0.0
        self._health_lock = asyncio.Lock()

    def open_at(self, address: str) -> None:
        """Record the address and the time at which the gateway opened."""
        self._address = address
        self._start_time.FromDatetime(self._clock.now())

    async def GetServerInfo(
        self,
        request: v1.GetServerInfoRequest,
        context: grpc.aio.ServicerContext[v1.GetServerInfoRequest, v1.GetServerInfoResponse],
    ) -> v1.GetServerInfoResponse:
        """Describe this server."""
        serving = await self._health()
        services = [
            v1.ServiceStatus(service=backend.name, address=backend.address, serving=answers)
            for backend, answers in zip(self._backends, serving, strict=True)
        ]
        services.append(v1.ServiceStatus(service="gateway", address=self._address, serving=True))
        attach = next((each.address for each in self._backends if each.name == "scheduler"), "")
        return v1.GetServerInfoResponse(
            version=version("sweepd"),
            protocol_version=PROTOCOL_VERSION,
            host=socket.gethostname(),
            host_boot_id=_boot_id(),
            local_attach_address=attach,
            services=services,
            start_time=self._start_time,
        )

    async def _health(self) -> tuple[bool, ...]:
        async with self._health_lock:  # waiting calls find a fresh result
            if not self._serving or self._clock.monotonic() - self._checked_at >= HEALTH_MAX_AGE:
                self._serving = tuple(
                    await asyncio.gather(*(backend.is_serving() for backend in self._backends))
                )
                self._checked_at = self._clock.monotonic()
            return self._serving


def _boot_id() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""
