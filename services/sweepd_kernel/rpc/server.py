"""gRPC server of one service: interceptors, health, reflection, signals and orderly shutdown."""

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from sweepd_kernel.auth.authenticator import Authenticator, Gate
from sweepd_kernel.rpc.connections import Connections
from sweepd_kernel.rpc.interceptors import Authentication, ErrorMapping
from sweepd_kernel.rpc.listener import Listener, new_server
from sweepd_kernel.service import RunningService

# Seconds for `RunningService.stop` and, meanwhile, for calls in progress, which may wait for it.
STOP_GRACE = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Port and callers of a service."""

    name: str
    listener: Listener
    service_token: str
    access_token: str | None
    """The server's own token for people; None: only services may call."""
    log: logging.Logger
    gate: Gate = field(default_factory=Gate)
    """Tokens of people, if people may call, and open streams."""


def interceptors(
    settings: ServerSettings, connections: Connections | None = None
) -> tuple[Authentication, ErrorMapping]:
    """Return the interceptors of every call to a service."""
    authenticator = Authenticator(
        service_token=settings.service_token, access_token=settings.access_token, tokens=settings.gate
    )
    return Authentication(authenticator), ErrorMapping(settings.log, settings.gate.calls, connections)


async def run_service(
    service: RunningService,
    settings: ServerSettings,
    *,
    ready: Callable[[str], None],
    stopping: asyncio.Event,
) -> None:
    """Serve until `stopping` is set.

    Args:
        service: service that is opened but not started.
        settings: port and callers of the service.
        ready: called once with the address when calls are answered.
        stopping: event that ends the service.

    Raises:
        StartError: the port cannot be bound, or other machines could reach it in clear text.
    """
    connections = Connections(settings.log)
    watching: asyncio.Task[None] | None = None
    server = new_server(interceptors(settings, connections))
    health_servicer = health.aio.HealthServicer()
    try:
        names = service.register(server)
        health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
        reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        bound = settings.listener.bind(server)
        # Before any call is accepted: clients of this account need the discovery entry, which has the token.
        await service.start(str(bound))
        await server.start()
        watching = asyncio.create_task(connections.watch(bound.port))
        for name in (*names, ""):
            await health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
        settings.log.info("serving", extra={"address": str(bound)})
        ready(str(bound))
        await stopping.wait()
        settings.log.info("stopping")
    finally:
        if watching is not None:
            watching.cancel()
        await _stop(server, service, health_servicer, settings.log)
    settings.log.info("stopped")


def stop_on_signals(*events: asyncio.Event) -> None:
    """Set all of `events` on SIGTERM and SIGINT."""

    def stop() -> None:
        for each in events:
            each.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


async def _stop(
    server: grpc.aio.Server,
    service: RunningService,
    health_servicer: health.aio.HealthServicer,
    log: logging.Logger,
) -> None:
    await health_servicer.enter_graceful_shutdown()
    ending = asyncio.create_task(server.stop(STOP_GRACE))
    await asyncio.sleep(0)  # from now on no call is accepted, so none fails for what the service removes
    try:
        await asyncio.wait_for(service.stop(), STOP_GRACE)
    except TimeoutError:
        log.warning("did not shut down in time", extra={"limit_s": STOP_GRACE})
    except Exception:
        log.exception("could not shut down cleanly")
    await ending
