"""Start of a service, alone or supervised; while its storage is unavailable, calls fail with the reason."""

import argparse
import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from sweepd.backoff import Backoff
from sweepd.private_files import create_file, make_folder
from sweepd_kernel import logs
from sweepd_kernel.clock import SystemClock
from sweepd_kernel.console import answer, complain
from sweepd_kernel.errors import DamagedError, DatabasesDifferError, DomainError, StartError, StorageError
from sweepd_kernel.flags import Address, address
from sweepd_kernel.process.data_folder import DataFolderLock, lock_data_folder
from sweepd_kernel.process.supervisor import Report, Reporter
from sweepd_kernel.rpc import server
from sweepd_kernel.rpc.connections import raise_descriptor_limit
from sweepd_kernel.rpc.interceptors import Context, Handler
from sweepd_kernel.rpc.listener import Listener, new_server
from sweepd_kernel.rpc.server import ServerSettings, run_service, stop_on_signals
from sweepd_kernel.service import RunningService, ServiceContext, ServiceDefinition
from sweepd_kernel.sql.database import storage_error


def ensure_token(path: Path) -> str:
    """Return the secret in `path`; create the file, readable only by this account, if it is missing.

    Processes that start at the same time get the same secret.

    Raises:
        StartError: the file cannot be read or created, or holds no valid secret.
    """
    try:
        with suppress(FileExistsError):
            if not path.exists():
                make_folder(path.parent)
                create_file(path, f"{secrets.token_urlsafe(32)}\n")
        token = path.read_text().strip()
    except OSError as error:
        raise StartError(f"cannot use the token file {path}: {error.strerror}") from None
    if not token.isascii() or not token.isprintable() or len(token) < 16:
        raise StartError(f"{path} does not contain a token; remove the file, and the next start creates one")
    return token


RESTORE_BACKUP = "restore all databases of the data folder from one backup made before the damage"


async def open_with_retries(
    attempt: Callable[[], Awaitable[RunningService]],
    settings: server.ServerSettings,
    *,
    place: Path | None,
    waiting: Callable[[str], None],
    stopping: asyncio.Event,
) -> RunningService | None:
    """Open a service; while its storage is unavailable, retry and answer every call with the reason.

    Args:
        attempt: function that opens the service.
        settings: port and callers of the service.
        place: path to report if the error names no path.
        waiting: callback for the reason, called once when the first attempt has failed.
        stopping: event that ends the retries; the function then returns None.

    Raises:
        StartError: the service refuses to start, or its database is damaged, so retries do not help.
    """
    backoff = Backoff()
    unavailable: _UnavailableService | None = None
    try:
        while not stopping.is_set():
            try:
                return await attempt()
            except (DamagedError, DatabasesDifferError, StorageError, OSError) as error:
                reason = _reason(error, settings.name, place)
                if isinstance(reason, DamagedError):
                    raise StartError(f"{reason}; {RESTORE_BACKUP}") from error
            settings.log.error(reason.message)
            if unavailable is None:
                waiting(reason.message)
                unavailable = await _UnavailableService.begin(settings)
            unavailable.reason = reason
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), backoff.next_delay())
        return None
    finally:
        if unavailable is not None:
            await unavailable.end()


class _UnavailableService(grpc.GenericRpcHandler):
    """Server that fails every call with the reason why the service is not open."""

    def __init__(self, grpc_server: grpc.aio.Server) -> None:
        self._server = grpc_server
        self.reason: DomainError | None = None

    @classmethod
    async def begin(cls, settings: server.ServerSettings) -> "_UnavailableService":
        grpc_server = new_server(server.interceptors(settings))
        unavailable = cls(grpc_server)
        health_servicer = health.aio.HealthServicer()
        await health_servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(health_servicer, grpc_server)
        grpc_server.add_generic_rpc_handlers((unavailable,))
        settings.listener.bind(grpc_server)
        await grpc_server.start()
        return unavailable

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


LOG_LEVELS = ("debug", "info", "warning", "error")


def service_parser(definition: ServiceDefinition, *, data: Path, tokens: Path) -> argparse.ArgumentParser:
    """Return the parser of `sweepd NAME`.

    Args:
        definition: definition of the service.
        data: default of `--data`.
        tokens: default folder of the token files.
    """
    parser = argparse.ArgumentParser(
        prog=f"sweepd {definition.name}", description=definition.help, allow_abbrev=False
    )
    parser.add_argument(
        "--listen",
        type=address,
        default=Address("127.0.0.1", 0),
        metavar="HOST:PORT",
        help="address to listen on; port 0: the last used port, else a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--data", type=Path, default=data, metavar="DIR", help="data folder (default: %(default)s)"
    )
    parser.add_argument(
        "--service-token-file",
        type=Path,
        default=tokens / "service-token",
        metavar="FILE",
        help="secret that the services share; created if missing (default: %(default)s)",
    )
    parser.add_argument(
        "--access-token-file",
        type=Path,
        default=tokens / "access-token",
        metavar="FILE",
        help="access token of the users; created if missing (default: %(default)s)",
    )
    parser.add_argument(
        "--log-level", choices=LOG_LEVELS, default="info", help="log level (default: %(default)s)"
    )
    definition.add_flags(parser)
    return parser


def run_definition(definition: ServiceDefinition, flags: argparse.Namespace, report: Reporter) -> None:
    """Run a service until SIGTERM or SIGINT, on uvloop if installed, else on asyncio's own loop.

    Args:
        definition: definition of the service.
        flags: flags parsed by its parser.
        report: callback for the address of the ready service, or the reason why its storage is unavailable.

    Raises:
        StartError: the service refuses to start.
    """
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if find_spec("uvloop") is not None:
        factory = import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(definition, flags, report))


def run_standalone(definition: ServiceDefinition, flags: argparse.Namespace) -> int:
    """Run a service started by a person or an init system; return the exit code."""

    def report(report: Report, text: str) -> None:
        if report == "ready":
            answer(f"sweepd {definition.name} ready grpc={text}")

    try:
        run_definition(definition, flags, report)
    except StartError as error:
        complain(f"{definition.name}: {error}")
        return 1
    return 0


async def _serve(definition: ServiceDefinition, flags: argparse.Namespace, report: Reporter) -> None:
    # Other accounts may be able to read the folder, but must not read the service's files.
    os.umask(0o077)
    raise_descriptor_limit()
    log = logs.configure(definition.name, flags.log_level)
    # A signal ends the service for good; `reopen` ends it only until it is opened again.
    stopping, ending = asyncio.Event(), asyncio.Event()
    stop_on_signals(stopping, ending)
    folder: Path = flags.data.absolute()
    access_token = ensure_token(flags.access_token_file)
    settings = ServerSettings(
        name=definition.name,
        listener=Listener(address=flags.listen, port_file=folder / "port"),
        service_token=ensure_token(flags.service_token_file),
        access_token=access_token if definition.accepts_people else None,
        log=log,
    )
    context = ServiceContext(
        flags=flags,
        data=folder if definition.has_data else None,
        listen=flags.listen,
        service_token=settings.service_token,
        access_token=access_token,
        clock=SystemClock(),
        log=log,
        reopen=ending.set,
        gate=settings.gate,
    )
    held: list[DataFolderLock] = []
    with suppress(
        OSError
    ):  # a service without data needs no folder; for a service with data, the lock reports the error
        make_folder(folder)

    async def attempt() -> RunningService:
        if definition.has_data and not held:
            held.append(lock_data_folder(folder))
        return await definition.open(context)

    while not stopping.is_set():
        service = await open_with_retries(
            attempt, settings, place=context.data, waiting=partial(report, "waiting"), stopping=stopping
        )
        if service is None:
            return
        if not stopping.is_set():
            ending.clear()
        await run_service(service, settings, ready=partial(report, "ready"), stopping=ending)
