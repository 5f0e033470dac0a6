"""Transfer of run folders on this machine to the server: `sweepctl sync`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import command
from sweepd.cli.commands.local.processes import agent_event
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.failures import Problem, not_found, option_seconds
from sweepd.cli.output.formats import FORMATS, note, output_of, output_option, write_rows
from sweepd.cli.settings import Settings, connect, current_settings, target
from sweepd.durations import duration_text
from sweepd.errors import ClientError
from sweepd.regular_files import open_regular, read_inside
from sweepd.rpc.discovery import Target
from sweepd.script.folder.sync import script_pid, start_agent
from sweepd.states import has_ended
from sweepd.views.rows import Column, Row
from sweepd.views.text import clean, counted

if TYPE_CHECKING:
    from sweepd.client import Client


RUN_FOLDERS = "sweepd-runs"
_MAX_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class SyncFolder:
    """Folder to sync: of the standalone run with the full name `run`, or of an agent if `run` is empty."""

    path: Path
    run: str


def find(folders: Sequence[Path]) -> list[SyncFolder]:
    """Return the folders to sync at or below `folders`, sorted by name, so that the oldest runs come first.

    Raises:
        Problem: a folder is missing, or contains no run.
    """
    found: dict[Path, SyncFolder] = {}
    for folder in folders:
        inside = list(_inside(folder))
        if not inside:
            raise _no_run(folder)
        found.update((each.path, each) for each in inside)
    return list(found.values())


def _inside(folder: Path) -> Iterator[SyncFolder]:
    here = _sync_folder(folder)
    if here is not None:
        yield here
        return
    for depth in ("*", f"{RUN_FOLDERS}/*", "*/*"):
        inside = [each for path in sorted(folder.glob(depth)) if (each := _sync_folder(path)) is not None]
        if inside:
            yield from inside
            return


def _sync_folder(path: Path) -> SyncFolder | None:
    # The runs can be found even without agent.json: each has a folder.
    if (path / "runs").is_dir() and any((path / name).is_file() for name in ("agent.json", "lock")):
        return SyncFolder(path.absolute(), "")
    try:
        run = json.loads(read_inside(path.resolve(), "run.json", limit=_MAX_BYTES))["run"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return SyncFolder(path.absolute(), run) if isinstance(run, str) and run.count("/") == 2 else None


def _no_run(folder: Path) -> Problem:
    return not_found(
        f"no run in {folder}" if folder.is_dir() else f"there is no folder {folder}",
        next_step=f"name the folder of a run, a folder with {RUN_FOLDERS}, or the state folder of an agent",
    )


_EXIT_CODES = {"unreachable": ExitCode.UNREACHABLE, "failed": ExitCode.FAILURE, "busy": ExitCode.FAILURE}
IN_USE = 10
"""Exit code of an agent whose folder is in use by another agent."""
_DRAIN = "sweepd_agent.standalone.drain"
_RETRY_SECONDS = 0.3
_MAX_CHARACTERS = 2**16
_MIN_WAIT_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class Outcome:
    """Outcome for a folder; `what` is brought-in, there-already, followed, busy, unreachable or failed."""

    found: SyncFolder
    what: str
    rows: int = 0
    runs: list[str] = field(default_factory=list)
    message: str = ""

    def shape(self) -> Row:
        """Return the outcome as JSON."""
        return {
            "folder": str(self.found.path),
            "run": self.found.run or None,
            "runs": list(self.runs),
            "outcome": self.what,
            "rows": self.rows,
            "message": self.message or None,
        }


def is_synced(client: Client, found: SyncFolder) -> bool:
    """Return True if the server has the complete run, and the folder has not changed since its sync.

    Raises:
        ClientError: the run cannot be read.
    """
    claim = dict(line.partition(" ")[::2] for line in _lines(found.path / "agent" / "claim"))
    if not claim or not _unchanged(found.path):
        return False
    try:
        run = client.get_run(found.run)
    except ClientError as error:
        if error.code == "NOT_FOUND":
            return False
        raise
    created = str(run.create_time.ToMicroseconds())
    return has_ended(run) and claim.get("created") == created


def _unchanged(path: Path) -> bool:
    """Return True if the folder was synced completely, and its script has written nothing since."""
    try:
        delivered = (path / "delivered").lstat().st_mtime
    except OSError:
        return False
    written = (path / name for name in ("metrics.jsonl", "run.json", "details.json"))
    return all(not file.exists() or file.lstat().st_mtime <= delivered for file in written)


def _lines(file: Path) -> list[str]:
    try:
        with os.fdopen(open_regular(file), "r", encoding="ascii") as lines:
            return lines.read(_MAX_CHARACTERS).splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def sync_folder(found: SyncFolder, target: Target, environ: Mapping[str, str], *, grace: float) -> Outcome:
    """Sync a folder once no other process uses it; if its script is running, start an agent to follow it."""
    environ = {**environ, "SWEEPD_ADDRESS": target.address}
    if target.token:
        environ["SWEEPD_TOKEN"] = target.token
    if found.run and (pid := script_pid(found.path)) is not None:
        start_agent(found.path, environ)  # exits if another agent uses the folder
        return Outcome(found=found, what="followed", message=f"its script is still running as process {pid}")
    deadline = time.monotonic() + grace
    while True:
        outcome, code = _run_drain(found, environ, grace)
        if code != IN_USE:
            return outcome
        if time.monotonic() >= deadline:
            return Outcome(found=found, what="busy", message="another process is syncing the folder")
        time.sleep(_RETRY_SECONDS)


def command_for(found: SyncFolder, *, grace: float) -> list[str]:
    """Return the command that syncs a folder."""
    command = [sys.executable, "-P", "-m", _DRAIN, str(found.path), "--log-format", "json"]
    # The server is up, but under load an agent may take a while to connect.
    return [*command, "--grace", duration_text(grace), "--wait", duration_text(max(grace, _MIN_WAIT_SECONDS))]


def _run_drain(found: SyncFolder, environ: Mapping[str, str], grace: float) -> tuple[Outcome, int]:
    done = subprocess.run(
        command_for(found, grace=grace),
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    return _outcome_of(found, lines, done.returncode), done.returncode


def _outcome_of(found: SyncFolder, lines: list[str], code: int) -> Outcome:
    outcome = Outcome(found=found, what="brought-in" if code == 0 else "failed")
    for event in map(agent_event, lines):
        match event:
            case {"event": "brought_in", "run": str(run), "rows": int(rows)}:
                outcome.rows += rows
                outcome.runs.append(run)
            case {"event": "exiting" | "disconnected", "message": str(message)}:
                outcome.message = message
            case {"event": "connected"}:
                outcome.message = ""
            case _:
                pass
    if code == ExitCode.UNREACHABLE:
        outcome.what = "unreachable"
    elif code != 0 and not outcome.message:
        outcome.message = next(reversed(lines), f"ended with code {code}").removeprefix("error: ")
    return outcome


_CONCURRENT = 2


@command("sweepctl sync", "sweepctl sync sweepd-runs/20260131-174501-k3x9v2ab")
@click.argument("folders", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--grace",
    metavar="DURATION",
    default="1m",
    help="Give up on a folder after this time without progress; default: 1m.",
)
@output_option(FORMATS)
def sync(folders: tuple[Path, ...], grace: str, output_format: str) -> int:
    """Sync runs that exist only in folders on this machine.

    DIR is the folder of a standalone run, a folder that contains such folders, or the state folder of an
    agent that no longer exists; default: `sweepd-runs` in the current folder. Data that the server has is not
    sent again: the command may be repeated, and continues after an interruption. A run whose script is still
    running is synced from then on.
    """
    settings = current_settings()
    seconds = option_seconds("--grace", grace)
    found = find(folders or (Path(RUN_FOLDERS),))
    with connect(settings) as client:
        client.server_info()  # no agent is started for an unavailable server
        outcomes: list[Outcome] = []
        # On a terminal, notes would repeat the outcomes in the table.
        on_screen = output_format in ("table", "wide") and sys.stdout.isatty()
        if on_screen:
            note(f"Syncing {counted(len(found), 'folder')} …")
        for outcome in _synced(client, found, target(settings), settings, seconds):
            outcomes.append(outcome)
            if not on_screen:
                note(_outcome_text(outcome))
    rows = [outcome.shape() for outcome in outcomes]
    columns = _columns(explained=any(outcome.message for outcome in outcomes))
    write_rows(rows, output_of(output_format), columns, name="run")
    return max(_EXIT_CODES.get(outcome.what, ExitCode.OK) for outcome in outcomes)


def _synced(
    client: Client, found: Sequence[SyncFolder], server: Target, settings: Settings, grace: float
) -> Iterator[Outcome]:
    """Sync folders, two at a time; yield the outcomes in the order of the folders."""
    from concurrent.futures import ThreadPoolExecutor

    def one(each: SyncFolder) -> Outcome:
        if each.run and is_synced(client, each):
            return Outcome(found=each, what="there-already")
        return sync_folder(each, server, settings.environ, grace=grace)

    with ThreadPoolExecutor(_CONCURRENT) as pool:
        yield from pool.map(one, found)


def _outcome_text(outcome: Outcome) -> str:
    name = clean(outcome.found.run or str(outcome.found.path))
    message = f": {clean(outcome.message)}" if outcome.message else ""
    match outcome.what:
        case "brought-in":
            runs = "" if outcome.found.run else f" of {counted(len(outcome.runs), 'run')}"
            return f"{name}: {counted(outcome.rows, 'row')}{runs} synced"
        case "there-already":
            return f"{name}: already on the server"
        case "followed":
            return f"{name}: still running, synced from now on{message}"
        case _:
            return f"{name}: not synced completely{message}"


def _columns(*, explained: bool) -> list[Column]:
    return [
        Column("run", "run"),
        Column("outcome", "outcome"),
        Column("rows", "rows"),
        Column("folder", "folder", wide=True),
        Column("message", "message", wide=not explained),
    ]
