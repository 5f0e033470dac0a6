"""Demonstration in a scratch folder: `sweepctl demo`."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweepd.calls.sweep_file import Overrides, parent_of, read_sweep
from sweepd.calls.wire import new_request_id
from sweepd.cli.command import command
from sweepd.cli.commands.define.creation import source_of
from sweepd.cli.commands.define.validate import checked_spec
from sweepd.cli.commands.local.console import Outcome, SweepConsole, start_agent, with_retries
from sweepd.cli.commands.local.processes import (
    Interrupts,
    Process,
    end,
    last_lines,
    program,
    ready_address,
    start,
)
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.failures import Problem, usage_problem
from sweepd.cli.output.formats import note, put
from sweepd.cli.settings import current_settings
from sweepd.cli.show.outcome import best_lines, best_run, trouble_lines
from sweepd.cli.show.progress import view_on
from sweepd.codec.spec import spec_message
from sweepd.errors import INSTALL_SERVER
from sweepd.private_files import make_folder
from sweepd.views.text import number

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client


_READY_SECONDS = 40.0
# The second SIGTERM shortens the grace that an agent gives its runs.
_END_SIGNALS = ((signal.SIGTERM, 1.0), (signal.SIGTERM, 8.0))
_PREFIX = "sweepd-demo-"
_OWNER = "owner.pid"
# Variables that would connect the demonstration to another server, or its script to another run.
_EXCLUDED_VARIABLES = frozenset(
    f"SWEEPD_{name}"
    for name in (
        *("ADDRESS", "TOKEN", "ENTITY", "PROJECT", "RUN_ID", "SWEEP_ID", "ATTEMPT"),
        *("RUN_DIR", "METRICS_FILE", "PARAMS_FILE", "CHECKPOINT_DIR"),
    )
)
_FILES = ("train.py", "sweep.yaml")
_METRICS = "metrics.jsonl"


class ScratchFolder:
    """Folder and processes of a demonstration; `close` ends the processes and removes the folder."""

    def __init__(self, interrupts: Interrupts, environ: Mapping[str, str], keep: Path | None) -> None:
        """Create the folder.

        Args:
            interrupts: delays signals until a started process is recorded.
            environ: environment of the user.
            keep: new or empty folder to keep; None for a temporary folder.

        Raises:
            Problem: the folder to keep is not empty, or cannot be used.
        """
        self._interrupts = interrupts
        self._kept = keep is not None
        self._processes: list[Process] = []
        if keep is None:
            remove_leftovers(Path(tempfile.gettempdir()))
            self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            (self.folder / _OWNER).write_text(f"{os.getpid()}\n")
        else:
            self.folder = _create_folder(keep)
        plain = {name: value for name, value in environ.items() if name not in _EXCLUDED_VARIABLES}
        self.environ: Mapping[str, str] = {**plain, "XDG_STATE_HOME": str(self.folder / "state")}

    def copy_files(self) -> None:
        """Copy the script and the sweep file of the demonstration into the folder."""
        for name in _FILES:
            shutil.copy(Path(__file__).parent / "demo_files" / name, self.folder / name)

    def start_server(self) -> Client:
        """Start all services on free ports; return a client once they are ready.

        Raises:
            Problem: the services do not start.
        """
        from sweepd.client import Client
        from sweepd.rpc.discovery import resolve

        log = self.folder / "server.log"
        command = [program("sweepd"), "up", "--data", str(self.folder / "data"), "--listen", "127.0.0.1:0"]
        server = self.start(command, folder=self.folder, log=log, stdout=subprocess.PIPE)
        address = ready_address(server, log, seconds=_READY_SECONDS)
        return Client(address, resolve(address, self.environ).token)

    def start(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        log: Path,
        stdout: int | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Process:
        """Start a process that writes its output to `log`; `variables` are added to its environment."""
        environ = {**self.environ, **(variables or {})}
        with log.open("wb") as output, self._interrupts.shield():
            process = start(command, folder=folder, environ=environ, stdout=stdout or output, stderr=output)
            self._processes.append(process)
        return process

    def adopt(self, process: Process) -> None:
        """Register a process that `close` ends."""
        self._processes.append(process)

    def close(self) -> None:
        """End every process, the latest first, and remove the folder unless it is kept."""
        for process in reversed(self._processes):
            end(process, _END_SIGNALS)
        if not self._kept:
            shutil.rmtree(self.folder, ignore_errors=True)


def remove_leftovers(parent: Path) -> None:
    """Remove folders that killed demonstrations of this account left in `parent`.

    A folder is removed only if it names the process that owns it, and that process has ended.
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
                if folder.exists():  # a process is still writing to it; the next demonstration retries
                    (folder / _OWNER).write_text(f"{owner}\n")


def _create_folder(folder: Path) -> Path:
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
        Problem: the run has logged no value.
    """
    values = [value for file in folder.glob(f"sweepd-runs/*/{_METRICS}") for value in _values(file, metric)]
    if not values:
        cause = last_lines(log, 1)
        missing = "No module named" in cause
        raise Problem(
            message="the demo script cannot run here",
            cause=cause,
            next_step=INSTALL_SERVER if missing else "",
        )
    return min(values)


def _values(file: Path, metric: str) -> Iterator[float]:
    for line in file.read_text(encoding="utf-8").splitlines():
        value: object = json.loads(line).get(metric)
        if isinstance(value, float) and math.isfinite(value):
            yield value


_SLOTS = 2
_BASELINE_SECONDS = 60.0
_START_SECONDS = 30.0


@command("sweepctl demo", "sweepctl demo --keep digits")
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Keep the script, the sweep file and the data in this new folder.",
)
def demo(keep: Path | None) -> int:
    """Show sweepd at work in a minute: a server, a sweep of real training runs, an agent, the best run.

    Uses a separate folder and free ports, and leaves nothing running, even after Ctrl-C.
    """
    with Interrupts() as interrupts:
        scratch: ScratchFolder | None = None
        try:
            try:
                with interrupts.shield():
                    scratch = ScratchFolder(interrupts, current_settings().environ, keep)
                return _show(scratch, interrupts, keep)
            finally:
                interrupts.close()
        finally:
            if scratch is not None:
                if interrupts.interrupted:
                    note("Ending…")
                scratch.close()


def _show(scratch: ScratchFolder, interrupts: Interrupts, keep: Path | None) -> int:
    scratch.copy_files()
    note(f"Starting a server and a sweep in {scratch.folder} …")
    baseline = _start_baseline(scratch)
    with scratch.start_server() as client:
        sweep = _create_sweep(scratch, client)
        note(f"Sweep {sweep.name}: 24 training runs of a small network on the digits, {_SLOTS} at a time.")
        outcome = _run_agent(scratch, interrupts, client, sweep)
        return _finish(scratch, client, sweep.name, outcome, baseline, keep)


def _start_baseline(scratch: ScratchFolder) -> Process:
    """Start the script standalone, as the baseline of the sweep."""
    folder = scratch.folder / "defaults"
    make_folder(folder, exist_ok=False)
    script = str(scratch.folder / "train.py")
    # Offline, so that no agent syncs the baseline to the server.
    offline = {"SWEEPD_MODE": "offline"}
    log = scratch.folder / "defaults.log"
    return scratch.start([sys.executable, script], folder=folder, log=log, variables=offline)


def _create_sweep(scratch: ScratchFolder, client: Client) -> v1.Sweep:
    text = read_sweep(str(scratch.folder / "sweep.yaml"))
    spec = checked_spec(text, error_format="text")
    create = partial(
        client.begin_sweep,
        parent_of(spec, Overrides(project="digits"), {}),
        spec_message(spec),
        source=source_of(text),
        request_id=new_request_id(),
    )
    # Disk writes shortly after an installation may delay the new server.
    return with_retries(lambda: create().sweep, seconds=_START_SECONDS)


def _run_agent(scratch: ScratchFolder, interrupts: Interrupts, client: Client, sweep: v1.Sweep) -> Outcome:
    with interrupts.shield():
        agent = start_agent(
            sweep.name,
            slots=_SLOTS,
            address=client.address,
            folder=scratch.folder,
            environ=scratch.environ,
            flags=_agent_flags(scratch),
        )
        scratch.adopt(agent.process)
    with view_on(sys.stderr, current_settings()) as view:
        outcome = SweepConsole(client, sweep.name, agent, view).run()
    if outcome.agent_exit != 0:
        for line in agent.lines:
            note(f"agent: {line}")
    return outcome


def _agent_flags(scratch: ScratchFolder) -> list[str]:
    """Return the flags that confine the agent: its state folder, a short grace, no runs that outlive it."""
    # `python` may be missing or lack scikit-learn, so runs use this interpreter.
    interpreter = ["--interpreter", sys.executable]
    return [*interpreter, "--state", str(scratch.folder / "agent"), "--grace", "2s", "--no-adopt"]


def _finish(
    scratch: ScratchFolder, client: Client, name: str, outcome: Outcome, baseline: Process, keep: Path | None
) -> int:
    sweep = with_retries(lambda: client.get_sweep(name))
    best = best_run(client, sweep)
    if best is None:
        for line in trouble_lines(client, sweep):
            note(line)
        return ExitCode.ENDED_BADLY
    baseline.wait(_BASELINE_SECONDS)
    metric = sweep.spec.metric.name
    before = best_of(scratch.folder / "defaults", metric, log=scratch.folder / "defaults.log")
    lines = best_lines(sweep, best, scratch.environ)
    lines.append(_gain(metric, before, best.value))
    put("\n".join(lines) + "\n")
    for line in _next_steps(scratch, sweep, keep):
        note(line)
    return ExitCode.OK if outcome.progress.ended else ExitCode.FAILURE


def _gain(metric: str, before: float, after: float) -> str:
    change = (before - after) / before
    verdict = "better" if change > 0 else "worse"
    return f"The script's defaults reach {metric} {number(before)}: this is {abs(change):.0%} {verdict}."


def _next_steps(scratch: ScratchFolder, sweep: v1.Sweep, keep: Path | None) -> list[str]:
    lines = ["Next, with a script and a sweep file of your own:", "  sweepctl run sweep.yaml --slots 2"]
    if keep is None:
        return [*lines, "or look into this one:", "  sweepctl demo --keep digits"]
    return [
        *lines,
        f"or look into this one (script, sweep file and data are in {scratch.folder}):",
        f"  sweepd up -d --data {scratch.folder / 'data'}",
        f"  sweepctl runs {sweep.name} --sort best",
    ]
