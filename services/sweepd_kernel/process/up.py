"""`sweepd up`: all services on one machine, with one command."""

import argparse
import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from sweepd_kernel import logs
from sweepd_kernel.console import answer, complain
from sweepd_kernel.errors import StartError
from sweepd_kernel.flags import Address
from sweepd_kernel.process import detach, running_server
from sweepd_kernel.process.bootstrap import Notices, ensure_token, run_definition, service_parser
from sweepd_kernel.process.child import Child, Program, ReportPipe
from sweepd_kernel.process.data_folder import DataFolderLock, DataInUseError, lock_data_folder
from sweepd_kernel.process.running_server import (
    GATEWAY,
    DaemonState,
    ServiceState,
    read_state,
    ready_line,
    remove_state,
    write_state,
)
from sweepd_kernel.process.supervisor import Callbacks, Supervisor
from sweepd_kernel.rpc.listener import Reservation, reserve, reserve_gateway
from sweepd_kernel.service import ServiceDefinition

GROUP = "sweepd.services"
# Those before are needed by those after; they end in the reverse order. Others of the group come first.
ORDER = ("metric-store", "suggestion", "scheduler", "gateway")
# How long the scheduler, at its start, waits for the metric store to compare their databases.
MEET_WITHIN = "2s"
# The flags by which one service learns where another listens.
ADDRESS_FLAGS = {"metric-store": "--metrics", "suggestion": "--suggestion", "scheduler": "--scheduler"}


def load_services() -> list[ServiceDefinition]:
    """Import every installed service, in the order of start."""
    gc.disable()  # what is imported stays, so the collector would go through it in vain
    try:
        found: list[ServiceDefinition] = [entry.load() for entry in entry_points(group=GROUP)]
    finally:
        gc.enable()
    return sorted(found, key=lambda each: ORDER.index(each.name) if each.name in ORDER else -1)


def up(flags: argparse.Namespace, rest: Sequence[str], services: Sequence[ServiceDefinition]) -> int:
    """Run `services` until SIGTERM or Ctrl-C; return the exit code.

    Args:
        flags: those of `up` itself.
        rest: the arguments that are meant for the services.
        services: in the order of start.
    """
    parsed = {each.name: _parse(each, flags, rest) for each in services}
    _refuse_unknown([unknown for _, unknown in parsed.values()])
    daemon = partial(_run, flags, rest, services)
    try:
        if flags.detach:
            return _detached(flags, rest, daemon)
        return daemon(None)
    except StartError as error:
        complain(f"{error}")
        return 1


def _detached(
    flags: argparse.Namespace, rest: Sequence[str], daemon: Callable[[detach.Launcher], int]
) -> int:
    try:
        return detach.detach(flags.data / "sweepd.log", daemon)
    except DataInUseError as held:
        return running_server.reuse(flags, rest, held)


@dataclass(slots=True)
class _Held:
    """Resources of the supervisor alone."""

    launcher: detach.Launcher | None
    lock: DataFolderLock | None = None
    reservations: dict[str, Reservation] = field(default_factory=dict)

    def release(self) -> None:
        """Release all of them."""
        if self.launcher is not None:
            self.launcher.close()
        if self.lock is not None:
            self.lock.release()
        for each in self.reservations.values():
            each.release()


def _run(
    flags: argparse.Namespace,
    rest: Sequence[str],
    services: Sequence[ServiceDefinition],
    launcher: detach.Launcher | None,
) -> int:
    held = _Held(launcher)
    try:
        return _hold_and_supervise(flags, rest, services, held)
    except StartError as error:
        if launcher is None:
            raise
        tell = launcher.held if isinstance(error, DataInUseError) else launcher.failed
        tell(str(error))
        return 1
    finally:
        held.release()


def _hold_and_supervise(
    flags: argparse.Namespace,
    rest: Sequence[str],
    services: Sequence[ServiceDefinition],
    held: _Held,
) -> int:
    os.umask(0o077)  # as in each service
    data: Path = flags.data
    try:
        held.lock = lock_data_folder(data, patience=0.3)
    except DataInUseError as error:
        state = read_state(data)
        raise DataInUseError(f"{error}, a server at {state.gateway}" if state else str(error)) from None
    except OSError as error:
        raise StartError(f"cannot write {error.filename or data}: {error.strerror}") from None
    try:
        for name in ("service-token", "access-token"):
            ensure_token(data / name)
        for each in services:
            port_file = data / each.name / "port"
            held.reservations[each.name] = (
                reserve_gateway(flags.listen, port_file)
                if each.name == GATEWAY
                else reserve(Address("127.0.0.1", 0), port_file)
            )
        return _supervise(flags, rest, services, held)
    finally:
        remove_state(data)


def _supervise(
    flags: argparse.Namespace,
    rest: Sequence[str],
    services: Sequence[ServiceDefinition],
    held: _Held,
) -> int:
    log = logs.configure("sweepd", flags.log_level)
    addresses = {name: each.address for name, each in held.reservations.items()}
    programs = [
        Program(
            name=each.name,
            address=str(addresses[each.name]),
            run=partial(_be, each, _parse(each, flags, rest, addresses)[0]),
        )
        for each in services
    ]
    line = ready_line(str(addresses[GATEWAY]), str(flags.data))
    launcher = held.launcher
    note = partial(_note, flags.data, running_server.further_arguments(flags, rest))

    def ready() -> None:
        answer(line)
        if launcher is not None:
            launcher.ready(line)

    def waiting(name: str, reason: str) -> None:
        log.error("%s cannot start yet: %s", name, reason)
        if launcher is not None and launcher.descriptor >= 0:
            # Whoever started it in the background looks on only until it is ready, so it does not linger.
            raise StartError(reason)

    callbacks = Callbacks(ready=ready, waiting=waiting, changed=note, forked=held.release)
    return Supervisor(programs, callbacks, log).run()


def _parse(
    service: ServiceDefinition,
    flags: argparse.Namespace,
    rest: Sequence[str],
    addresses: "dict[str, Address] | None" = None,
) -> tuple[argparse.Namespace, list[str]]:
    """Parse the flags of `service`, with those that `up` fills in; also return the unknown ones."""
    data: Path = flags.data
    known = addresses or {name: Address("127.0.0.1", 0) for name in ADDRESS_FLAGS}
    given: list[str] = [f"--server-data={data}", f"--log-level={flags.log_level}"]
    given.append(f"--meet-within={MEET_WITHIN}")
    given += [f"{flag}={known[name]}" for name, flag in ADDRESS_FLAGS.items() if name in known]
    parser = service_parser(service, data=data / service.name, tokens=data)
    namespace, unknown = parser.parse_known_args([*given, *rest])
    if service.name in known:
        namespace.listen = known[service.name]
    return namespace, [each for each in unknown if each not in given]


def _refuse_unknown(unknown: Sequence[Sequence[str]]) -> None:
    """Exit with 2 if no service knows an argument."""
    strange = [each for each in (unknown[0] if unknown else ()) if all(each in others for others in unknown)]
    if strange:
        complain(f"unknown argument: {' '.join(strange)}; see `sweepd up --help`")
        raise SystemExit(2)


def _be(service: ServiceDefinition, flags: argparse.Namespace, pipe: ReportPipe) -> int:
    return run_definition(service, flags, Notices(ready=pipe.ready, waiting=pipe.waiting))


def _note(data: Path, arguments: tuple[str, ...], children: Sequence[Child]) -> None:
    write_state(
        data,
        DaemonState(
            pid=os.getpid(),
            data=str(data),
            services=tuple(
                ServiceState(
                    name=child.program.name,
                    address=child.program.address,
                    pid=child.pid,
                    state=child.state.value,
                    restarts=child.restarts,
                    reason=child.reason,
                )
                for child in children
            ),
            arguments=arguments,
        ),
    )
