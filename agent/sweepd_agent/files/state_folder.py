"""The agent's own folder: one agent at a time holds it, and what it leaves is the next one's to finish."""

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
_MOST_BYTES = 64 * 1024
_MOST_AGENTS = 100_000
# A predecessor that is just ending holds the lock for a moment longer.
_PATIENCE = 0.5


class FolderInUseError(Exception):
    """Another agent holds the folder."""


class StateFolder:
    """A folder whose lock this process holds until it ends."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        # Where checkpoints are, if not here: a folder that other agents see, too.
        self.checkpoint_root: Path | None = None
        self._lock = lock
        self.agent_id, self.secret = stored_identity(path) or _new_identity(path)

    @property
    def lock_file(self) -> Path:
        """The file by whose lock supervisors see whether an agent is there."""
        return self.path / _LOCK_FILE

    def attempts(self) -> Iterator[AttemptFolder]:
        """Yield the attempts that were left here; what is no whole attempt is removed."""
        for folder in _attempt_folders(self.path):
            if folder.assignment() is None:
                if (left := find(folder)) is not None:  # nobody would know of it without its folder
                    left.stop(StopMode.KILL)
                folder.remove()
            else:
                yield folder

    def new_attempt(self, assignment: Assignment) -> AttemptFolder:
        """Return the folder for a new attempt, which is not made yet.

        Its name is for people: an attempt is known by what is journalled in it. Runs of the same id, of
        another project or server, get a suffix.
        """
        name = f"{assignment.key.run.rpartition('/')[2]}.{assignment.key.attempt}"
        path = self.path / _RUNS / name
        serial = 1
        while path.exists():
            serial += 1
            path = self.path / _RUNS / f"{name}~{serial}"
        return AttemptFolder(path)

    def checkpoint_folder(self, assignment: Assignment) -> Path:
        """Return the folder that all attempts at a run find, on this machine or where the root is seen."""
        root = self.path / _CHECKPOINTS if self.checkpoint_root is None else self.checkpoint_root
        return root / assignment.key.run.replace("/", "~")

    def drop_empty_checkpoints(self, assignment: Assignment) -> None:
        """Remove the folder of checkpoints if the run left none."""
        if self.checkpoint_root is not None:
            return  # another agent may have begun the next attempt in it
        with contextlib.suppress(OSError):
            self.checkpoint_folder(assignment).rmdir()

    def free_bytes(self) -> int:
        """Return how much room is left beside the folder."""
        return shutil.disk_usage(self.path).free

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._lock)


def stored_identity(path: Path) -> tuple[str, bytes] | None:
    """Return the id and the secret of the agent whose folder this is; None if it has none yet."""
    try:
        stored = json.loads(read_inside(path.resolve(), _AGENT_FILE, limit=_MOST_BYTES))
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
    """Take the folder that a person named.

    Raises:
        FolderInUseError: another agent holds it.
        OSError: it cannot be made or written.
    """
    deadline = time.monotonic() + _PATIENCE
    while (folder := _try_open(path)) is None:
        if time.monotonic() > deadline:
            raise FolderInUseError(f"the state folder {path} is in use by another agent")
        time.sleep(0.02)
    return folder


def open_free_folder(parent: Path, serves: Callable[[str], bool]) -> StateFolder:
    """Take a free folder: one with attempts at a sweep that this agent serves, else the lowest.

    Args:
        parent: holds folders named 1, 2, and so on.
        serves: whether this agent serves the sweep of a full name.
    """
    present = sorted(int(entry.name) for entry in _entries(parent) if entry.name.isdecimal())
    for number in present:
        if _holds_work(parent / str(number), serves) and (folder := _try_open(parent / str(number))):
            return folder
    for number in range(1, _MOST_AGENTS):
        if folder := _try_open(parent / str(number)):
            return folder
    raise FolderInUseError(f"all state folders in {parent} are in use")


def _try_open(path: Path) -> StateFolder | None:
    make_folder(path / _RUNS)
    lock = try_lock(str(path / _LOCK_FILE))
    if lock is None:
        return None
    os.utime(lock)  # supervisors, which look now and then, learn that an agent was here
    return StateFolder(path, lock)


def _holds_work(path: Path, serves: Callable[[str], bool]) -> bool:
    assignments = (folder.assignment() for folder in _attempt_folders(path))
    return any(assignment is not None and serves(assignment.sweep) for assignment in assignments)


def _attempt_folders(path: Path) -> Iterator[AttemptFolder]:
    for entry in sorted(_entries(path / _RUNS)):
        if entry.name.startswith("."):
            shutil.rmtree(entry, ignore_errors=True)  # its removal was cut short
        else:
            yield AttemptFolder(entry)


def _entries(path: Path) -> Iterable[Path]:
    try:
        return list(path.iterdir())
    except FileNotFoundError:
        return []
