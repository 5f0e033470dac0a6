"""State folder of an agent, locked by one agent at a time; the next agent finishes attempts left in it."""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sweepd.agent_identity import LONGEST_SECRET, SHORTEST_SECRET, agent_id
from sweepd.private_files import make_folder
from sweepd.regular_files import IrregularFileError, read_inside, write_inside
from sweepd_agent.core.attempt import Assignment, StopMode
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.process.record import try_lock
from sweepd_agent.process.supervised import find

_LOCK_FILE = "lock"
_AGENT_FILE = "agent.json"
_RUNS = "runs"
_CHECKPOINTS = "checkpoints"
_SECRET_BYTES = 32
_MAX_BYTES = 64 * 1024
_MAX_AGENTS = 100_000
# Seconds to wait for the lock of a predecessor that is just ending.
_PATIENCE = 0.5


class FolderInUseError(Exception):
    """Another agent holds the lock of the folder."""


class StateFolder:
    """State folder whose lock this process holds until `release` or its own end."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        # Parent of the checkpoint folders, shared with other agents; None: a subfolder of this folder.
        self.checkpoint_root: Path | None = None
        self._lock = lock
        self.agent_id, self.secret = stored_identity(path) or _new_identity(path)

    @property
    def lock_file(self) -> Path:
        """File whose lock shows supervisors whether an agent is live."""
        return self.path / _LOCK_FILE

    def attempts(self) -> Iterator[AttemptFolder]:
        """Yield all attempt folders; remove those without a readable assignment, and kill their processes."""
        for folder in _attempt_folders(self.path):
            if folder.assignment() is None:
                if (left := find(folder)) is not None:  # without its folder, no agent could find the process
                    left.stop(StopMode.KILL)
                folder.remove()
            else:
                yield folder

    def new_attempt(self, assignment: Assignment) -> AttemptFolder:
        """Return the folder for a new attempt, without creating it.

        The name of the folder is only for people: the file with the assignment identifies the attempt. A run
        with the same id in another project or on another server gets a suffix.
        """
        name = f"{assignment.key.run.rpartition('/')[2]}.{assignment.key.attempt}"
        path = self.path / _RUNS / name
        serial = 1
        while path.exists():
            serial += 1
            path = self.path / _RUNS / f"{name}~{serial}"
        return AttemptFolder(path)

    def checkpoint_folder(self, assignment: Assignment) -> Path:
        """Return the checkpoint folder of a run, shared by its attempts on all hosts with the same root."""
        root = self.path / _CHECKPOINTS if self.checkpoint_root is None else self.checkpoint_root
        return root / assignment.key.run.replace("/", "~")

    def drop_empty_checkpoints(self, assignment: Assignment) -> None:
        """Remove the checkpoint folder of a run if it is empty and not shared with other agents."""
        if self.checkpoint_root is not None:
            return  # another agent may have started the next attempt in it
        with contextlib.suppress(OSError):
            self.checkpoint_folder(assignment).rmdir()

    def free_bytes(self) -> int:
        """Return the number of free bytes on the folder's disk."""
        return shutil.disk_usage(self.path).free

    def release(self) -> None:
        """Release the lock."""
        os.close(self._lock)


def stored_identity(path: Path) -> tuple[str, bytes] | None:
    """Return the id and secret of the agent that owns a folder; None if they are missing or invalid."""
    try:
        stored = json.loads(read_inside(path.resolve(), _AGENT_FILE, limit=_MAX_BYTES))
        secret = bytes.fromhex(stored["secret"])
    except (FileNotFoundError, IrregularFileError, ValueError, KeyError, TypeError):
        return None
    return (agent_id(secret), secret) if SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET else None


def _new_identity(path: Path) -> tuple[str, bytes]:
    secret = os.urandom(_SECRET_BYTES)
    identity = agent_id(secret)
    document = {"id": identity, "secret": secret.hex()}
    write_inside(path.resolve(), _AGENT_FILE, f"{json.dumps(document)}\n".encode(), sync=True)
    return identity, secret


def open_folder(path: Path) -> StateFolder:
    """Open and lock the folder named on the command line.

    Raises:
        FolderInUseError: another agent holds its lock.
        OSError: the folder cannot be created or written.
    """
    deadline = time.monotonic() + _PATIENCE
    while (folder := _try_open(path)) is None:
        if time.monotonic() > deadline:
            raise FolderInUseError(f"the state folder {path} is in use by another agent")
        time.sleep(0.02)
    return folder


def open_free_folder(parent: Path, serves: Callable[[str], bool]) -> StateFolder:
    """Open and lock a free folder: one with attempts of a served sweep, else the one with the lowest number.

    Args:
        parent: folder of the state folders, which are named 1, 2 and so on.
        serves: returns True if this agent serves the sweep with a full name.
    """
    present = sorted(int(entry.name) for entry in _entries(parent) if entry.name.isdecimal())
    for number in present:
        if _has_served_attempts(parent / str(number), serves) and (folder := _try_open(parent / str(number))):
            return folder
    for number in range(1, _MAX_AGENTS):
        if folder := _try_open(parent / str(number)):
            return folder
    raise FolderInUseError(f"all state folders in {parent} are in use")


def _try_open(path: Path) -> StateFolder | None:
    make_folder(path / _RUNS)
    lock = try_lock(str(path / _LOCK_FILE))
    if lock is None:
        return None
    os.utime(lock)  # supervisors check this time at intervals, to detect even an agent that lives briefly
    return StateFolder(path, lock)


def _has_served_attempts(path: Path, serves: Callable[[str], bool]) -> bool:
    assignments = (folder.assignment() for folder in _attempt_folders(path))
    return any(assignment is not None and serves(assignment.sweep) for assignment in assignments)


def _attempt_folders(path: Path) -> Iterator[AttemptFolder]:
    for entry in sorted(_entries(path / _RUNS)):
        if entry.name.startswith("."):
            shutil.rmtree(entry, ignore_errors=True)  # its removal was interrupted
        else:
            yield AttemptFolder(entry)


def _entries(path: Path) -> Iterable[Path]:
    try:
        return list(path.iterdir())
    except FileNotFoundError:
        return []
