"""Daemons and agents that a command starts, each in a process group of its own."""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from sweepd.cli.problem import Problem
from sweepd.installing import INSTALL_SERVER

Process = subprocess.Popen[bytes]
_READY = "sweepd ready "


def program(name: str) -> str:
    """Return the path of a command of this distribution.

    Raises:
        Problem: it is not installed.
    """
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise Problem(message=f"the command {name} is not installed", next_step=INSTALL_SERVER)
    return found


def start(
    command: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> Process:
    """Start a command that does not outlive this process, and that no Ctrl-C of the terminal reaches."""
    wrapped = [sys.executable, "-m", "sweepd.cli.local.parent_death_signal", str(os.getpid()), *command]
    return subprocess.Popen(
        wrapped,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        process_group=0,
    )


def end(process: Process, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """End a process: each signal in turn, with the seconds to wait after it; at last SIGKILL."""
    for number, seconds in signals:
        if process.poll() is not None:
            return
        send(process, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if process.poll() is None:
        process.kill()
        process.wait()


def send(process: Process, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        process.send_signal(number)


def ready_address(server: Process, log: Path, *, seconds: float) -> str:
    """Wait until `sweepd up` serves, and return the address of its gateway.

    Raises:
        Problem: it ended, or took too long.
    """
    assert server.stdout is not None
    deadline = time.monotonic() + seconds
    received = b""
    while time.monotonic() < deadline:
        readable, _, _ = select.select([server.stdout], [], [], 0.2)
        if readable:
            received += (piece := os.read(server.stdout.fileno(), 4096))
            if not piece:
                break
        for line in received.decode("utf-8", "replace").splitlines():
            if line.startswith(_READY):
                fields = dict(field.partition("=")[::2] for field in line.removeprefix(_READY).split(" "))
                if "data" in fields:  # the line is whole, or near enough
                    return fields["grpc"]
    raise Problem(message="the server did not start", cause=last_lines(log, 1))


def last_lines(file: Path, count: int) -> str:
    """Return the last lines of a file, as one line."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return " | ".join(text.splitlines()[-count:])
