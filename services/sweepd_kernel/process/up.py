"""`sweepd up`: run all services on one machine, in the foreground or in the background.

The services are the entry points `sweepd.services` in pyproject.toml.
"""

import argparse
import gc
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from sweepd.private_files import make_folder
from sweepd_kernel import logs
from sweepd_kernel.console import answer, complain
from sweepd_kernel.errors import StartError
from sweepd_kernel.flags import Address
from sweepd_kernel.process import running_server
from sweepd_kernel.process.bootstrap import ensure_token, run_definition, service_parser
from sweepd_kernel.process.data_folder import DataInUseError, lock_data_folder
from sweepd_kernel.process.running_server import (
    GATEWAY,
    DaemonState,
    read_state,
    ready_line,
    remove_state,
    write_state,
)
from sweepd_kernel.process.supervisor import Callbacks, Child, ReportPipe, Supervisor
from sweepd_kernel.rpc.listener import reserve, reserve_gateway
from sweepd_kernel.service import ServiceDefinition

GROUP = "sweepd.services"
# Order of start: services depend on earlier ones. Services of GROUP that are not listed start first.
ORDER = ("metric-store", "suggestion", "scheduler", "gateway")
# Maximum time that a starting scheduler waits for the metric store, to compare their databases.
MEET_WITHIN = "2s"
# Flags with the addresses of other services.
ADDRESS_FLAGS = {"metric-store": "--metrics", "suggestion": "--suggestion", "scheduler": "--scheduler"}


def load_services() -> list[ServiceDefinition]:
    """Import all installed services, and return them in the order of start."""
    gc.disable()  # a collection during imports frees nothing, but takes time
    try:
        found: list[ServiceDefinition] = [entry.load() for entry in entry_points(group=GROUP)]
    finally:
        gc.enable()
    return sorted(found, key=lambda each: ORDER.index(each.name) if each.name in ORDER else -1)


def up(flags: argparse.Namespace, rest: Sequence[str], services: Sequence[ServiceDefinition]) -> int:
    """Run `services` until SIGTERM or Ctrl-C; return the exit code.

    Args:
        flags: flags of `up` itself.
        rest: arguments for the services.
        services: services in the order of start.
    """
    parsed = {each.name: _parse(each, flags, rest) for each in services}
    _refuse_unknown([unknown for _, unknown in parsed.values()])
    try:
        if flags.detach:
            return _detach(flags, rest, services)
        return _run(flags, rest, services, ReportPipe())
    except StartError as error:
        complain(f"{error}")
        return 1


def _detach(flags: argparse.Namespace, rest: Sequence[str], services: Sequence[ServiceDefinition]) -> int:
    """Run the services in the background, with a log; return 0 once they serve, 1 after an error.

    Raises:
        StartError: the log cannot be written, or a running server does not serve or has other arguments.
    """
    log: Path = flags.data / "sweepd.log"
    try:
        make_folder(log.parent)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise StartError(f"cannot write {log}: {error.strerror}") from None
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _become_daemon(output)
        code = 1
        try:
            code = _run(flags, rest, services, ReportPipe(writer))
        except BaseException:  # noqa: BLE001 (nothing may unwind into the launcher's stack)
            traceback.print_exc()
        finally:
            with suppress(OSError):  # the log may be on a full disk
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)
    os.close(writer)
    os.close(output)
    with os.fdopen(reader, "rb") as stream:
        report, _, text = stream.read().decode().rstrip("\n").partition(" ")
    if report == "ready":
        answer(text)
        return 0
    os.waitpid(pid, 0)
    if report == "held":
        return running_server.reuse(flags, rest, DataInUseError(text))
    complain(text or f"the server ended during its start; see {log}")
    return 1


def _become_daemon(output: int) -> None:
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(null)
    os.close(output)


def _run(
    flags: argparse.Namespace,
    rest: Sequence[str],
    services: Sequence[ServiceDefinition],
    launcher: ReportPipe,
) -> int:
    """Run the services under a supervisor; `launcher`: pipe to the process that waits for the daemon."""
    with ExitStack() as held:
        held.callback(launcher.close)
        try:
            return _lock_and_supervise(flags, rest, services, launcher, held)
        except StartError as error:
            if not flags.detach:
                raise
            launcher.report("held" if isinstance(error, DataInUseError) else "failed", str(error))
            return 1


def _lock_and_supervise(
    flags: argparse.Namespace,
    rest: Sequence[str],
    services: Sequence[ServiceDefinition],
    launcher: ReportPipe,
    held: ExitStack,
) -> int:
    os.umask(0o077)  # as in each service
    data: Path = flags.data
    try:
        held.callback(lock_data_folder(data, patience=0.3).release)
    except DataInUseError as error:
        state = read_state(data)
        raise DataInUseError(f"{error}, a server at {state.gateway}" if state else str(error)) from None
    except OSError as error:
        raise StartError(f"cannot write {error.filename or data}: {error.strerror}") from None
    try:
        for name in ("service-token", "access-token"):
            ensure_token(data / name)
        addresses: dict[str, Address] = {}
        for each in services:
            port_file = data / each.name / "port"
            reservation = (
                reserve_gateway(flags.listen, port_file)
                if each.name == GATEWAY
                else reserve(Address("127.0.0.1", 0), port_file)
            )
            held.callback(reservation.release)
            addresses[each.name] = reservation.address
        children = [
            Child(
                name=each.name,
                address=str(addresses[each.name]),
                run=partial(run_definition, each, _parse(each, flags, rest, addresses)[0]),
            )
            for each in services
        ]
        log = logs.configure("sweepd", flags.log_level)
        callbacks = _callbacks(flags, rest, str(addresses[GATEWAY]), launcher, held)
        return Supervisor(children, callbacks, log).run()
    finally:
        remove_state(data)


def _callbacks(
    flags: argparse.Namespace, rest: Sequence[str], gateway: str, launcher: ReportPipe, held: ExitStack
) -> Callbacks:
    line = ready_line(gateway, str(flags.data))
    arguments = running_server.further_arguments(flags, rest)

    def ready() -> None:
        answer(line)
        launcher.report("ready", line)
        launcher.close()

    def waiting(reason: str) -> None:
        if launcher.descriptor >= 0:
            # The launcher still waits for the daemon: end with an error instead of retrying.
            raise StartError(reason)

    def changed(children: Sequence[Child]) -> None:
        services = tuple(child.public_state() for child in children)
        state = DaemonState(pid=os.getpid(), data=str(flags.data), services=services, arguments=arguments)
        write_state(flags.data, state)

    return Callbacks(ready=ready, waiting=waiting, changed=changed, forked=held.close)


def _parse(
    service: ServiceDefinition,
    flags: argparse.Namespace,
    rest: Sequence[str],
    addresses: "dict[str, Address] | None" = None,
) -> tuple[argparse.Namespace, list[str]]:
    """Parse the flags of `service`, plus the flags set by `up`; also return unknown arguments."""
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
    """Exit with code 2 if an argument is unknown to all services."""
    refused = [each for each in (unknown[0] if unknown else ()) if all(each in others for others in unknown)]
    if refused:
        complain(f"unknown argument: {' '.join(refused)}; see `sweepd up --help`")
        raise SystemExit(2)
