"""Connections of the gateway to one service."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sweepd.rpc.channel import call_metadata, open_channel
from sweepd_kernel.errors import UnavailableError

# A service allows 100 streams per connection; gRPC would queue further calls silently.
CALLS_PER_CONNECTION = 90
# Seconds to wait for a service that is being restarted.
PATIENCE = 1.0
# Seconds to wait for a service that listens but does not answer yet, as the machine may be busy.
SILENT_PATIENCE = 5.0
_POLL = 0.02
HEALTH_TIMEOUT = 0.5
_SERVING: int = health_pb2.HealthCheckResponse.SERVING
_NO_ANSWER = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


@dataclass(slots=True, eq=False)
class Connection:
    """A channel, and the number of its active calls."""

    channel: grpc.aio.Channel
    calls: int = 0


class Backend:
    """Service behind the gateway; a new connection is opened when all others are full."""

    def __init__(self, name: str, address: str, service_token: str) -> None:
        self.name = name
        self.address = address
        self.metadata = call_metadata(service_token)
        """Credentials of the gateway, sent with each call."""
        self._connections: list[Connection] = []

    @asynccontextmanager
    async def connection(self, time_left: float | None) -> AsyncIterator[grpc.aio.Channel]:
        """Yield a connected channel for one call.

        Raises:
            UnavailableError: the channel does not connect within `time_left` seconds or `_ready`'s limits.
        """
        chosen = next((each for each in self._connections if each.calls < CALLS_PER_CONNECTION), None)
        if chosen is None:
            chosen = Connection(open_channel(self.address))
            self._connections.append(chosen)
        chosen.calls += 1
        try:
            await self._ready(chosen.channel, time_left)
            yield chosen.channel
        finally:
            chosen.calls -= 1

    async def _ready(self, channel: grpc.aio.Channel, time_left: float | None) -> None:
        """Wait briefly until `channel` is connected, longer if the service listens but does not answer yet.

        Raises:
            UnavailableError: the channel does not connect in time.
        """
        loop = asyncio.get_running_loop()
        began, limit = loop.time(), math.inf if time_left is None else time_left
        # Poll: gRPC cannot cancel a wait for a state change, so waits of many callers would pile up.
        while (state := channel.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
            patience = SILENT_PATIENCE if state is grpc.ChannelConnectivity.CONNECTING else PATIENCE
            if loop.time() - began >= min(patience, limit):
                raise UnavailableError(self.name, self.address)
            await asyncio.sleep(_POLL)

    async def is_serving(self) -> bool:
        """Return True if the service reports that it is healthy."""
        with suppress(grpc.RpcError, UnavailableError):
            return await self._health(HEALTH_TIMEOUT) == _SERVING
        return False

    async def answers(self, patience: float) -> bool:
        """Return True if the service reports its health, good or bad, within `patience` seconds."""
        try:
            await self._health(patience)
        except grpc.aio.AioRpcError as error:
            return error.code() not in _NO_ANSWER
        except UnavailableError:
            return False
        return True

    async def _health(self, timeout: float) -> int:  # noqa: ASYNC109 (the deadline of the call)
        # The channel is opened before the service listens, so it may be between two connection attempts.
        async with self.connection(timeout) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout)
            return int(answer.status)
