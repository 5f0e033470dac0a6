"""Start of a service whose storage cannot be used: callers are given the reason, and the start is retried."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from sweepd.backoff import Backoff
from sweepd_kernel.errors import DamagedError, DatabasesDifferError, DomainError, StartError, StorageError
from sweepd_kernel.rpc import server
from sweepd_kernel.rpc.interceptors import Context, Handler
from sweepd_kernel.rpc.listener import new_server
from sweepd_kernel.service import RunningService
from sweepd_kernel.sql.engine import storage_error

PUT_BACK = "put back a copy from before the damage, of all databases of the data folder together"


async def open_patiently(
    attempt: Callable[[], Awaitable[RunningService]],
    settings: server.ServerSettings,
    *,
    place: Path | None,
    waiting: Callable[[str], None],
    stopping: asyncio.Event,
) -> RunningService | None:
    """Open a service; while its storage refuses, answer every call with the reason.

    Args:
        attempt: opens the service.
        settings: port and callers of those answers.
        place: path to name where the error names none.
        waiting: receives the reason once, when the first attempt has failed.
        stopping: ends the waiting when set; None is returned then.

    Raises:
        StartError: its database is damaged, which waiting does not fix.
    """
    backoff = Backoff()
    closed: _ClosedService | None = None
    try:
        while not stopping.is_set():
            try:
                return await attempt()
            except (DamagedError, DatabasesDifferError, StorageError, OSError) as error:
                reason = _reason(error, settings.name, place)
                if isinstance(reason, DamagedError):
                    raise StartError(f"{reason}; {PUT_BACK}") from error
            settings.log.error(reason.message)
            if closed is None:
                waiting(reason.message)
                closed = await _ClosedService.begin(settings)
            closed.reason = reason
            await _sleep(backoff.next_delay(), stopping)
        return None
    finally:
        if closed is not None:
            await closed.end()


class _ClosedService(grpc.GenericRpcHandler):
    """Server that answers every call with the reason why the service is not open."""

    def __init__(self, answering: grpc.aio.Server) -> None:
        self._server = answering
        self.reason: DomainError | None = None

    @classmethod
    async def begin(cls, settings: server.ServerSettings) -> "_ClosedService":
        answering = new_server(server.interceptors(settings))
        closed = cls(answering)
        health_servicer = health.aio.HealthServicer()
        await health_servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(health_servicer, answering)
        answering.add_generic_rpc_handlers((closed,))
        settings.listener.bind(answering)
        await answering.start()
        return closed

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler:
        return grpc.stream_stream_rpc_method_handler(self._refuse)

    async def end(self) -> None:
        await self._server.stop(None)

    async def _refuse(self, _requests: object, _context: Context) -> None:
        if self.reason is not None:
            raise self.reason


def _reason(error: Exception, name: str, place: Path | None) -> DomainError:
    if isinstance(error, DomainError):
        return error
    named = getattr(error, "filename", None)
    return storage_error(error, name, str(named or place or "its files"))


async def _sleep(seconds: float, stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
