"""Scratch folder of a demonstration, with its server and processes, of which nothing stays."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sweepd.cli.commands.local.processes import (
    Interrupts,
    Process,
    end,
    last_lines,
    program,
    ready_address,
    start,
)
from sweepd.cli.problem import Problem, usage_problem
from sweepd.installing import INSTALL_SERVER
from sweepd.private_files import make_folder

if TYPE_CHECKING:
    from sweepd.client import Client

_READY_SECONDS = 40.0
# The second SIGTERM shortens the time that an agent gives its runs.
_GENTLY = ((signal.SIGTERM, 1.0), (signal.SIGTERM, 8.0))
_PREFIX = "sweepd-demo-"
_OWNER = "owner.pid"
# What would lead the demonstration to another server, or its script into another run.
_NOT_OURS = frozenset(
    f"SWEEPD_{name}"
    for name in (
        *("ADDRESS", "TOKEN", "ENTITY", "PROJECT", "RUN_ID", "SWEEP_ID", "ATTEMPT"),
        *("RUN_DIR", "METRICS_FILE", "PARAMS_FILE", "CHECKPOINT_DIR"),
    )
)
_FILES = ("train.py", "sweep.yaml")
_METRICS = "metrics.jsonl"


class ScratchFolder:
    """Folder of a demonstration. Everything is started through it, and ended by `close` in reverse order."""

    def __init__(self, interrupts: Interrupts, environ: Mapping[str, str], keep: Path | None) -> None:
        """Make the folder.

        Args:
            interrupts: shields what is begun until it is noted down.
            environ: the environment of the person.
            keep: an empty or new folder that stays; None: a temporary one that goes.

        Raises:
            Problem: the folder to keep holds something already.
        """
        self._interrupts = interrupts
        self._kept = keep is not None
        self._processes: list[Process] = []
        if keep is None:
            remove_leftovers(Path(tempfile.gettempdir()))
            self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            (self.folder / _OWNER).write_text(f"{os.getpid()}\n")
        else:
            self.folder = _made(keep)
        plain = {name: value for name, value in environ.items() if name not in _NOT_OURS}
        self.environ: Mapping[str, str] = {**plain, "XDG_STATE_HOME": str(self.folder / "state")}

    def lay_out(self) -> None:
        """Put the script and the sweep file of the demonstration there."""
        for name in _FILES:
            shutil.copy(Path(__file__).parent / "demo_files" / name, self.folder / name)

    def start_server(self) -> Client:
        """Start all services on free ports; return a client once they serve.

        Raises:
            Problem: they do not start.
        """
        from sweepd.client import Client
        from sweepd.rpc.discovery import resolve

        log = self.folder / "server.log"
        command = [program("sweepd"), "up", "--data", str(self.folder / "data"), "--listen", "127.0.0.1:0"]
        with log.open("wb") as errors, self._interrupts.shield():
            server = start(
                command, folder=self.folder, environ=self.environ, stdout=subprocess.PIPE, stderr=errors
            )
            self._processes.append(server)
        address = ready_address(server, log, seconds=_READY_SECONDS)
        return Client(address, resolve(address, self.environ).token)

    def start(
        self, command: Sequence[str], *, folder: Path, log: Path, variables: Mapping[str, str] | None = None
    ) -> Process:
        """Start a process that writes its output to `log`; `variables` are added to its environment."""
        environ = {**self.environ, **(variables or {})}
        with log.open("wb") as output, self._interrupts.shield():
            process = start(command, folder=folder, environ=environ, stdout=output, stderr=output)
            self._processes.append(process)
        return process

    def adopt(self, process: Process) -> None:
        """End this process, too, at the end."""
        self._processes.append(process)

    def close(self) -> None:
        """End every process, the latest first, and remove the folder unless it is to be kept."""
        for process in reversed(self._processes):
            end(process, _GENTLY)
        if not self._kept:
            shutil.rmtree(self.folder, ignore_errors=True)


def remove_leftovers(parent: Path) -> None:
    """Remove what demonstrations of this account left in `parent` when they were killed.

    A folder goes only if it says which process owns it, and that process is gone.
    """
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError, ValueError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            owner = int((folder / _OWNER).read_text())
            try:
                os.kill(owner, 0)
            except ProcessLookupError:
                shutil.rmtree(folder, ignore_errors=True)
                if folder.exists():  # something in it is just ending: the next one tries again
                    (folder / _OWNER).write_text(f"{owner}\n")


def _made(folder: Path) -> Path:
    try:
        make_folder(folder)
        occupied = any(folder.iterdir())
    except OSError as error:
        raise Problem(message=f"cannot use {folder}", cause=error.strerror or str(error)) from error
    if occupied:
        raise usage_problem(f"{folder} is not empty", next_step="name a new folder with --keep")
    return folder.resolve()


def best_of(folder: Path, metric: str, *, log: Path) -> float:
    """Return the lowest value of `metric` that a standalone run in `folder` has logged.

    Raises:
        Problem: it has logged none.
    """
    values = [value for file in folder.glob(f"sweepd-runs/*/{_METRICS}") for value in _values(file, metric)]
    if not values:
        cause = last_lines(log, 1)
        missing = "No module named" in cause
        raise Problem(
            message="the demonstration's script does not work here",
            cause=cause,
            next_step=INSTALL_SERVER if missing else "",
        )
    return min(values)


def _values(file: Path, metric: str) -> Iterator[float]:
    for line in file.read_text(encoding="utf-8").splitlines():
        value: object = json.loads(line).get(metric)
        if isinstance(value, float) and math.isfinite(value):
            yield value
