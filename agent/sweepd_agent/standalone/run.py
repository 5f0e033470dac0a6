"""Folder of a standalone run, created by its script; an agent only drains it."""

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sweepd.private_files import make_folder
from sweepd.regular_files import read_inside
from sweepd_agent.core.attempt import Assignment, AttemptKey, Json, StopOrder
from sweepd_agent.core.numbering import Begin
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.files.state_folder import FolderInUseError, StateFolder, stored_identity
from sweepd_agent.process.record import read_record, try_lock, whole_number, write_record

RUN_FILE = "run.json"
SCRIPT_FILE = "script.json"
_CONFIG_FILE = "config.json"
_AGENT_FOLDER = "agent"
_CLAIM_FILE = "claim"
_EXIT_FILE = "exit"
_LOOK_AGAIN = 0.2
_MAX_BYTES = 64 * 2**20
_YEAR_10000 = 253_402_300_800


@dataclass(frozen=True, slots=True, kw_only=True)
class StandaloneRun:
    """Run as recorded by its script; times are Unix times."""

    # Format: entity/project/id
    name: str
    program: str
    # Number of the last attempt; an attempt begins when the script starts or resumes the run.
    attempt: int
    # Start of the last attempt.
    started: float
    # Reported end and exit code; None: not reported.
    ended: float | None
    exit_code: int | None
    # Whether the end was reported while the process was exiting: the system's exit code is then preferred.
    at_exit: bool
    # Starts of the attempts after the first in the metrics file.
    begins: tuple[Begin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Process of the script, as recorded by the script."""

    pid: int
    # In ticks since boot; with the process id, it identifies the process within that boot.
    start: int
    boot: str
    argv: tuple[str, ...]
    # Working directory at the start of the run, and Python interpreter; None: unknown.
    directory: str | None
    interpreter: str | None


class StandaloneFolder(AttemptFolder):
    """Run folder owned by its user: the agent never thins or removes data of the script.

    It represents the last attempt at the time of construction.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        run = self.run()
        self._attempt = run.attempt if run is not None else 1

    def run(self) -> StandaloneRun | None:
        """Return the run as recorded by its script; None if this is not a run folder."""
        recorded = _object(self.path / RUN_FILE)
        match recorded.get("run"):
            case str(name) if name.count("/") == 2:
                resumed = _time(recorded.get("resumed"))
                return StandaloneRun(
                    name=name,
                    program=str(recorded.get("program", "")),
                    attempt=max(1, _whole(recorded.get("attempt")) or 1),
                    started=resumed or _time(recorded.get("started")) or 0.0,
                    ended=_time(recorded.get("ended")),
                    exit_code=_whole(recorded.get("exit_code")),
                    at_exit=recorded.get("at_exit") is True,
                    begins=_begins(recorded.get("begun")),
                )
            case _:
                return None

    def script(self) -> Script | None:
        """Return the process of the script; None if it is not recorded."""
        recorded = _object(self.path / SCRIPT_FILE)
        match recorded.get("pid"), recorded.get("start"), recorded.get("boot"), recorded.get("argv"):
            case int(pid), int(start), str(boot), list(argv) if 0 < pid < 2**31:
                return Script(
                    pid=pid,
                    start=start,
                    boot=boot,
                    argv=tuple(map(str, argv)),
                    directory=_text(recorded.get("directory")),
                    interpreter=_text(recorded.get("interpreter")),
                )
            case _:
                return None

    def arguments(self) -> list[str]:
        """Return the arguments of the script; empty if they are not recorded."""
        script = self.script()
        return [] if script is None else list(script.argv)

    def config(self) -> Mapping[str, object]:
        """Return the current configuration."""
        return _object(self.path / _CONFIG_FILE)

    def assignment(self) -> Assignment | None:
        """Return the run as if it had been handed out; None if this is not a run folder."""
        run = self.run()
        if run is None:
            return None
        identity = stored_identity(self.path / _AGENT_FOLDER)
        return Assignment(
            key=AttemptKey(run.name, self._attempt),
            sweep="",
            number=0,
            params={},
            program=run.program,
            command=(),
            watched_keys=(),
            rungs=frozenset(),
            stop_grace=0.0,
            lost_after=0.0,
            assigned_time=run.started,
            secret=b"" if identity is None else identity[1],
        )

    def begins(self) -> tuple[Begin, ...]:
        """Return where attempts 2 up to this one begin in the shared metrics file."""
        run = self.run()
        return () if run is None else tuple(each for each in run.begins if each.attempt <= self._attempt)

    def save_cursors(self, document: dict[str, Json], *synced: Path) -> None:
        """Replace the cursors of this attempt."""
        super().save_cursors({**document, "attempt": self._attempt}, *synced)

    def cursors(self) -> dict[str, Json]:
        """Return the cursors of this attempt, which cover the metrics file from its beginning."""
        stored = super().cursors()
        return stored if stored.get("attempt") == self._attempt else {}

    def order(self) -> StopOrder | None:
        """Return the stop order recorded since this attempt began; None if there is no order."""
        run, order = self.run(), super().order()
        return order if run is not None and self.ordered_since(run.started) else None

    def mark_result_acked(self) -> None:
        """Do nothing: an end is acknowledged separately for each attempt and server."""

    def result_acked(self) -> bool:
        """Return False: a record for an earlier attempt or another server does not apply to this end."""
        return False

    def delivered_at(self) -> float | None:
        """Return None: a delivery to one server does not count for another server."""
        return None

    def remove(self) -> None:
        """Record that everything is delivered, ignoring write errors; keep the folder for its user."""
        with contextlib.suppress(OSError):
            self.mark_delivered(time.time())

    def claim(self) -> dict[str, str]:
        """Return the values that identify the run on its server; empty if it was never claimed."""
        return read_record(str(self.path / _AGENT_FOLDER / _CLAIM_FILE)) or {}

    def write_claim(self, values: Mapping[str, str]) -> None:
        """Record the server that the run is delivered to, and the run's name and creation time there."""
        write_record(str(self.path / _AGENT_FOLDER / _CLAIM_FILE), values, sync=True)

    def exit_code(self) -> int | None:
        """Return the exit code that the system reported for the process of this attempt; None if unknown."""
        recorded = read_record(str(self.path / _AGENT_FOLDER / _EXIT_FILE)) or {}
        return whole_number(recorded, "code") if recorded.get("attempt") == str(self._attempt) else None

    def write_exit_code(self, code: int) -> None:
        """Record the exit code of the process of this attempt, ignoring write errors."""
        record = {"attempt": self._attempt, "code": code}
        with contextlib.suppress(OSError):  # it is reported in any case, and recorded for a later sync
            write_record(str(self.path / _AGENT_FOLDER / _EXIT_FILE), record, sync=True)

    def last_activity(self) -> float:
        """Return the Unix time at which the script was last known to be live."""
        try:
            return self.metrics_file.lstat().st_mtime
        except OSError:
            run = self.run()
            return run.started if run is not None else 0.0


class StandaloneState(StateFolder):
    """State folder of the agent within a run folder; one agent at a time drains a run."""

    def __init__(self, run: StandaloneFolder, lock: int) -> None:
        self.run = run
        super().__init__(run.path / _AGENT_FOLDER, lock)

    def attempts(self) -> Iterator[AttemptFolder]:
        """Yield the last attempt, if this is a run folder."""
        if self.run.assignment() is not None:
            yield self.run


def open_standalone(path: Path, patience: float) -> StandaloneState:
    """Open and lock the folder of a run; wait up to `patience` seconds for the lock.

    Raises:
        FolderInUseError: another agent drains the run.
        OSError: the folder cannot be written.
    """
    make_folder(path / _AGENT_FOLDER)
    deadline = time.monotonic() + patience
    while (lock := try_lock(os.fspath(path / _AGENT_FOLDER / "lock"))) is None:
        if time.monotonic() >= deadline:
            raise FolderInUseError(f"{path} is already being synced")
        time.sleep(_LOOK_AGAIN)
    return StandaloneState(StandaloneFolder(path), lock)


def _object(path: Path) -> dict[str, object]:
    try:
        document: object = json.loads(read_inside(path.parent, path.name, limit=_MAX_BYTES))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _time(value: object) -> float | None:
    """Return a Unix time; None if the value is not a valid time."""
    return float(value) if isinstance(value, (int, float)) and 0 <= value < _YEAR_10000 else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and abs(value) < 2**31 else None


def _begins(value: object) -> tuple[Begin, ...]:
    begins = []
    for each in value if isinstance(value, list) else ():
        match each:
            case {"attempt": int(attempt), "segment": int(segment), "offset": int(offset)}:
                begins.append(Begin(attempt=attempt, segment=segment, offset=offset))
            case _:
                pass
    return tuple(sorted(begins, key=lambda each: each.attempt))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
