"""`sweepd status` and `sweepd down`: what can be asked of a running daemon; light, as scripts ask often."""

import argparse
import signal
import time
from pathlib import Path

from sweepd_kernel import process
from sweepd_kernel.console import answer, complain, remark
from sweepd_kernel.daemon_state import DaemonState, read_state
from sweepd_kernel.data_folder import holder_of

RUNNING = 0
NOT_RUNNING = 3
# The daemon takes up to 10 s; asked a second time it takes one more.
PATIENCE = 12.0
LAST_PATIENCE = 3.0


def status(flags: argparse.Namespace) -> int:
    """Say what runs on a data folder. Exit code 0: a daemon runs; 3: none does."""
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
    """End the daemon of a data folder, and return when all of its processes are gone."""
    data: Path = flags.data.absolute()
    pid = holder_of(data)
    if pid is None:
        remark(f"no server runs on {data}")
        return 0
    state = read_state(data)
    process.send(pid, signal.SIGTERM)
    if not process.ends_within(pid, PATIENCE):
        process.send(pid, signal.SIGTERM)
        if not process.ends_within(pid, LAST_PATIENCE):
            process.send(pid, signal.SIGKILL)  # the services end with it
    deadline = time.monotonic() + LAST_PATIENCE
    children = [each.pid for each in state.services if each.pid] if state else []
    gone = all(process.ends_within(child, max(0.0, deadline - time.monotonic())) for child in children)
    if not gone or not process.ends_within(pid, LAST_PATIENCE):
        complain(f"process {pid} does not end")
        return 1
    remark(f"the server on {data} has ended")
    return 0


def _table(state: DaemonState) -> str:
    head = f"sweepd runs: grpc={state.door} data={state.data} pid={state.pid}"
    rows = [("SERVICE", "STATE", "PID", "ADDRESS", "RESTARTS", "REASON")]
    rows += [
        (each.name, each.state, str(each.pid or "-"), each.address, str(each.restarts), each.reason)
        for each in state.services
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([head, *(line.rstrip() for line in lines)])
