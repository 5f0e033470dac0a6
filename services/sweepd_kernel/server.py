"""How one service serves: port, interceptors, health, reflection, signals, an orderly end."""

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from sweepd_kernel.address import Address, require_loopback
from sweepd_kernel.connections import Connections
from sweepd_kernel.errors import StartError
from sweepd_kernel.gate import Gate
from sweepd_kernel.interceptors import Authentication, ErrorMapping
from sweepd_kernel.principal import Authenticator
from sweepd_kernel.service import RunningService

# Calls under way get this long after SIGTERM; with what `RunningService.stop` may take, 10 s are kept.
STOP_GRACE = 3.0
STOP_LIMIT = 4.0
_IN_USE = "it is in use; port 0 takes a free one"
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.so_reuseport", 0),  # else a second server shares the port silently
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_concurrent_streams", 100),
    # A token bound to a hundred projects with long names: the door tells all of them with each call.
    ("grpc.max_metadata_size", 32 * 1024),
    # Matches the clients' keepalive: pings every 30 s on an idle connection are welcome, floods are not.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # Cuts a connection that never speaks HTTP/2; `connections.py` closes those that do, without a token.
    ("grpc.server_handshake_timeout_ms", 10_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where and for whom a service serves."""

    name: str
    listen: Address
    service_token: str
    access_token: str | None
    """None: only services are let in."""
    log: logging.Logger
    port_file: Path | None = None
    """Where the port that 0 stood for is remembered."""
    gate: Gate = field(default_factory=Gate)
    """Knows the tokens of people, where they are let in."""


def interceptors(
    settings: ServerSettings, connections: Connections | None = None
) -> tuple[Authentication, ErrorMapping]:
    """What every call to a service passes."""
    authenticator = Authenticator(
        service_token=settings.service_token, access_token=settings.access_token, tokens=settings.gate
    )
    return Authentication(authenticator), ErrorMapping(settings.log, settings.gate.calls, connections)


async def run_service(
    service: RunningService,
    settings: ServerSettings,
    *,
    ready: Callable[[str], None],
    stopping: asyncio.Event | None = None,
    reopening: asyncio.Event | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code.

    Args:
        service: opened, not started.
        settings: where and for whom.
        ready: called once with the address when calls are answered.
        stopping: ends it when set; by default SIGTERM and SIGINT do.
        reopening: likewise, if it is given.

    Raises:
        StartError: the port is taken, or heard by other machines.
    """
    stopping = stopping or stop_on_signals()
    connections = Connections(settings.log)
    watching: asyncio.Task[None] | None = None
    server = grpc.aio.server(interceptors=interceptors(settings, connections), options=OPTIONS)
    health_servicer = health.aio.HealthServicer()
    try:
        names = service.register(server)
        health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
        reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        bound = bind(server, settings.listen, settings.port_file)
        await server.start()
        watching = asyncio.create_task(connections.watch(bound.port))
        await service.start(str(bound))
        for name in (*names, ""):
            await health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
        settings.log.info("serving", extra={"address": str(bound)})
        ready(str(bound))
        await _first_of([stopping, reopening] if reopening else [stopping])
        settings.log.info("stopping")
    finally:
        if watching is not None:
            watching.cancel()
        await _stop(server, service, health_servicer, settings.log)
    settings.log.info("stopped")
    return 0


def bind(server: grpc.aio.Server, listen: Address, port_file: Path | None) -> Address:
    """Bind `server`, at port 0 preferably to the port of last time.

    Raises:
        StartError: the port is taken, or heard by other machines.
    """
    require_loopback(listen)
    if listen.port:
        return _bind_exactly(server, listen)
    remembered = remembered_port(port_file)
    bound: Address | None = None
    if remembered:
        with suppress(StartError):
            bound = _bind_exactly(server, listen.with_port(remembered))
    bound = bound or _bind_exactly(server, listen)
    if port_file is not None and bound.port != remembered:
        with suppress(OSError):  # a full disk costs the memory of the port, not the service
            port_file.write_text(f"{bound.port}\n")
    return bound


def remembered_port(port_file: Path | None) -> int:
    """The port written in `port_file`, or 0."""
    if port_file is None:
        return 0
    with suppress(OSError, ValueError):
        port = int(port_file.read_text())
        return port if 0 < port < 65_536 else 0
    return 0


def require_free(listen: Address) -> None:
    """Refuse a port that somebody listens on.

    gRPC would say so too, but in several lines and after it has started threads.

    Raises:
        StartError: it is taken, or not ours to take.
    """
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen.host, listen.port))
        except OSError as error:
            why = _IN_USE if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
            raise StartError(f"cannot listen on {listen}: {why}") from None


def _bind_exactly(server: grpc.aio.Server, listen: Address) -> Address:
    require_free(listen)
    try:
        port = server.add_insecure_port(str(listen))
    except RuntimeError:
        port = 0
    if not port:
        raise StartError(f"cannot listen on {listen}: {_IN_USE}")
    return listen.with_port(port)


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def _first_of(events: Sequence[asyncio.Event]) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


async def _stop(
    server: grpc.aio.Server,
    service: RunningService,
    health_servicer: health.aio.HealthServicer,
    log: logging.Logger,
) -> None:
    await health_servicer.enter_graceful_shutdown()
    try:
        await asyncio.wait_for(service.stop(), STOP_LIMIT)
    except TimeoutError:
        log.warning("did not end its work in time", extra={"limit_s": STOP_LIMIT})
    except Exception:
        log.exception("could not end its work in order")
    await server.stop(STOP_GRACE)
