"""Commands for the running server of a data folder: `sweepd status`, `down`, and a second `up -d`.

This module imports little, so that these commands start fast.
"""

import argparse
import json
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from sweepd.private_files import replace_file
from sweepd_kernel.console import answer, complain, remark
from sweepd_kernel.errors import StartError
from sweepd_kernel.process import os_process
from sweepd_kernel.process.data_folder import DataInUseError, holder_of

STATE_NAME = "status.json"
GATEWAY = "gateway"


class State(StrEnum):
    """State of a service."""

    STARTING = "starting"
    SERVING = "serving"
    WAITING = "waiting"
    """The process runs, but cannot open its storage."""
    DOWN = "down"
    """The process has ended unexpectedly and will be restarted."""
    STOPPED = "stopped"


@dataclass(slots=True, kw_only=True)
class ServiceState:
    """State of one service."""

    name: str
    address: str
    pid: int = 0
    """Process id; 0: no process."""
    state: str = State.STARTING
    restarts: int = 0
    reason: str = ""
    """Reason why the service does not serve, if known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonState:
    """State of a daemon, as written to the data folder."""

    pid: int
    data: str
    services: tuple[ServiceState, ...]
    arguments: tuple[str, ...]
    """Arguments of `sweepd up` other than address and data folder."""

    @property
    def gateway(self) -> str:
        """Address for people and agents."""
        return next((each.address for each in self.services if each.name == GATEWAY), "")

    def as_json(self) -> str:
        """Return the state as JSON."""
        return json.dumps(asdict(self), indent=2)


def ready_line(gateway: str, data: str) -> str:
    """Return the line that `sweepd up` prints when all services serve."""
    return f"sweepd ready grpc={gateway} data={data}"


def write_state(data: Path, state: DaemonState) -> None:
    """Write `state` to the folder `data`; keep the old file if the write fails."""
    with suppress(OSError):
        replace_file(data / STATE_NAME, state.as_json() + "\n")


def read_state(data: Path) -> DaemonState | None:
    """Return the state last written to the folder `data`; None if it is missing or unreadable."""
    try:
        document = json.loads((data / STATE_NAME).read_text())
        services = tuple(ServiceState(**each) for each in document["services"])
        return DaemonState(**(document | {"services": services, "arguments": tuple(document["arguments"])}))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove_state(data: Path) -> None:
    """Remove the state file."""
    with suppress(OSError):
        (data / STATE_NAME).unlink(missing_ok=True)


RUNNING = 0
NOT_RUNNING = 3
# The daemon takes up to 10 s to end after SIGTERM, or 1 s after a second SIGTERM.
STOP_PATIENCE = 12.0
KILL_PATIENCE = 3.0
# A starting server may have to migrate databases of an earlier release.
START_PATIENCE = 15.0
_POLL = 0.05


def status(flags: argparse.Namespace) -> int:
    """Print the state of the server on a data folder; return 0 if it is running, else 3."""
    data: Path = flags.data.absolute()
    pid = holder_of(data)
    if pid is None:
        remark(f"no server runs on {data}; start one with `sweepd up -d`")
        return NOT_RUNNING
    state = read_state(data)
    if state is None or state.pid != pid:
        remark(f"the server on {data} is starting (process {pid})")
        return RUNNING
    answer(state.as_json() if flags.output == "json" else _table(state))
    return RUNNING


def down(flags: argparse.Namespace) -> int:
    """End the server on a data folder, and wait for all its processes; return the exit code."""
    data: Path = flags.data.absolute()
    pid = holder_of(data)
    if pid is None:
        remark(f"no server runs on {data}")
        return 0
    state = read_state(data)
    os_process.send(pid, signal.SIGTERM)
    if not os_process.ends_within(pid, STOP_PATIENCE):
        os_process.send(pid, signal.SIGTERM)
        if not os_process.ends_within(pid, KILL_PATIENCE):
            os_process.send(pid, signal.SIGKILL)  # the services end with it
    deadline = time.monotonic() + KILL_PATIENCE
    children = [each.pid for each in state.services if each.pid] if state else []
    gone = all(os_process.ends_within(child, max(0.0, deadline - time.monotonic())) for child in children)
    if not gone or not os_process.ends_within(pid, KILL_PATIENCE):
        complain(f"process {pid} or one of its services has not ended in time")
        return 1
    remark(f"the server on {data} has ended")
    return 0


def further_arguments(flags: argparse.Namespace, rest: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments of `sweepd up` other than address and data folder, to compare servers."""
    level = () if flags.log_level == "info" else (f"--log-level={flags.log_level}",)
    return (*level, *rest)


def reuse(flags: argparse.Namespace, rest: Sequence[str], held: DataInUseError) -> int:
    """Print the address of the server that runs on the data folder; return the exit code.

    Args:
        flags: flags of `up` itself.
        rest: arguments for the services.
        held: error to raise if the running server does not serve in time.

    Raises:
        StartError: the running server does not serve in time, or has other arguments.
    """
    state = _serving(flags, time.monotonic() + START_PATIENCE)
    if state is None:
        raise held
    wanted = further_arguments(flags, rest)
    other_address = flags.listen is not None and flags.listen.port and str(flags.listen) != state.gateway
    if other_address or (wanted and wanted != state.arguments):
        how = f"with {' '.join(state.arguments)}" if state.arguments else "without other flags"
        raise StartError(
            f"a server is already running on {flags.data}, at {state.gateway}, {how}; `sweepd down` ends it, "
            "so that it can be restarted with other arguments"
        )
    remark(f"a server is already running on {flags.data} (process {state.pid})")
    answer(ready_line(state.gateway, state.data))
    return 0


def _serving(flags: argparse.Namespace, deadline: float) -> DaemonState | None:
    """Return the state of the server once all services serve; None if it ends or misses the deadline."""
    while (pid := holder_of(flags.data)) is not None:
        state = read_state(flags.data)
        if (
            state is not None
            and state.pid == pid
            and all(each.state == State.SERVING for each in state.services)
        ):
            return state
        if time.monotonic() >= deadline:
            break
        time.sleep(_POLL)
    return None


def _table(state: DaemonState) -> str:
    head = f"sweepd runs: grpc={state.gateway} data={state.data} pid={state.pid}"
    rows = [("SERVICE", "STATE", "PID", "ADDRESS", "RESTARTS", "REASON")]
    rows += [
        (each.name, each.state, str(each.pid or "-"), each.address, str(each.restarts), each.reason)
        for each in state.services
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([head, *(line.rstrip() for line in lines)])
