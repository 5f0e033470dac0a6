"""Start of one service from its flags, alone or below the supervisor."""

import argparse
import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from sweepd.private_files import make_folder
from sweepd_kernel import logs
from sweepd_kernel.auth.token_files import ensure_token
from sweepd_kernel.clock import SystemClock
from sweepd_kernel.console import answer, complain
from sweepd_kernel.errors import StartError
from sweepd_kernel.flags import Address, address
from sweepd_kernel.process.data_folder import DataFolderLock, lock_data_folder
from sweepd_kernel.process.opening import open_patiently
from sweepd_kernel.rpc.connections import raise_descriptor_limit
from sweepd_kernel.rpc.listener import Listener
from sweepd_kernel.rpc.server import ServerSettings, run_service, stop_on_signals
from sweepd_kernel.service import RunningService, ServiceContext, ServiceDefinition

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """Callbacks by which a starting service notifies whoever started it."""

    ready: Callable[[str], None]
    """The service serves, at this address."""
    waiting: Callable[[str], None]
    """The service cannot open its storage, for this reason, and retries."""


def service_parser(definition: ServiceDefinition, *, data: Path, tokens: Path) -> argparse.ArgumentParser:
    """Return the parser of `sweepd NAME`.

    Args:
        definition: the service.
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
        help="where to listen; port 0 takes the one of last time, else a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--data", type=Path, default=data, metavar="DIR", help="folder of its files (default: %(default)s)"
    )
    parser.add_argument(
        "--service-token-file",
        type=Path,
        default=tokens / "service-token",
        metavar="FILE",
        help="secret that the services share; made when missing (default: %(default)s)",
    )
    parser.add_argument(
        "--access-token-file",
        type=Path,
        default=tokens / "access-token",
        metavar="FILE",
        help="secret of the people; made when missing (default: %(default)s)",
    )
    parser.add_argument(
        "--log-level", choices=LOG_LEVELS, default="info", help="what to log (default: %(default)s)"
    )
    definition.add_flags(parser)
    return parser


def run_definition(definition: ServiceDefinition, flags: argparse.Namespace, notices: Notices) -> int:
    """Run a service until SIGTERM or SIGINT; return the exit code.

    Raises:
        StartError: the service refuses to start.
    """
    return run_loop(_serve(definition, flags, notices))


def run_standalone(definition: ServiceDefinition, flags: argparse.Namespace) -> int:
    """Run a service that a person or an init system started."""

    def ready(bound: str) -> None:
        answer(f"sweepd {definition.name} ready grpc={bound}")

    try:
        return run_definition(definition, flags, Notices(ready=ready, waiting=lambda _reason: None))
    except StartError as error:
        complain(f"{definition.name}: {error}")
        return 1


def run_loop(main: "Coroutine[object, object, int]") -> int:
    """Run `main` on uvloop where that is installed, else on asyncio's own loop."""
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if find_spec("uvloop") is not None:
        factory = import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


async def _serve(definition: ServiceDefinition, flags: argparse.Namespace, notices: Notices) -> int:
    # The folder may be one that others can read; everybody's runs are in what a service writes there.
    os.umask(0o077)
    raise_descriptor_limit()
    log = logs.configure(definition.name, flags.log_level)
    stopping = stop_on_signals()
    folder: Path = flags.data.absolute()
    access_token = ensure_token(flags.access_token_file)
    settings = ServerSettings(
        name=definition.name,
        listener=Listener(address=flags.listen, port_file=folder / "port"),
        service_token=ensure_token(flags.service_token_file),
        access_token=access_token if definition.accepts_people else None,
        log=log,
    )
    reopening = asyncio.Event()
    context = ServiceContext(
        flags=flags,
        data=folder if definition.has_data else None,
        listen=flags.listen,
        service_token=settings.service_token,
        access_token=access_token,
        clock=SystemClock(),
        log=log,
        reopen=reopening.set,
        gate=settings.gate,
    )
    held: list[DataFolderLock] = []
    with suppress(OSError):  # without data only the port would be remembered there; else the lock says why
        make_folder(folder)

    async def attempt() -> RunningService:
        if definition.has_data and not held:
            held.append(lock_data_folder(folder))
        return await definition.open(context)

    while not stopping.is_set():
        service = await open_patiently(
            attempt, settings, place=context.data, waiting=notices.waiting, stopping=stopping
        )
        if service is None:
            return 0
        reopening.clear()
        code = await run_service(
            service, settings, ready=notices.ready, stopping=stopping, reopening=reopening
        )
        if not reopening.is_set():
            return code
    return 0
