"""Files of a run, and the record of a standalone run in its folder."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sweepd import file_lock
from sweepd.private_files import replace_file
from sweepd.regular_files import read_inside
from sweepd.script.notices import print_line

LOCK_FILE = "script.lock"
_LOCK_SECONDS = 2.0

# Descriptors of locks and the identities of their files; a program may close and reuse any descriptor.
_held: dict[int, tuple[int, int]] = {}
RUN_FILE = "run.json"
MAX_FILE_BYTES = 64 * 2**20
"""Maximum size of a file that is read from a run folder, in which any program may write."""
# Notice about a failed sync, in the folder of the run as long as its script can print the notice.
FILE = Path("agent") / "trouble"
# The same notice in the parent of the run folders, if the script has ended; the next script prints it.
LEFT = ".trouble"
_MAX_NOTICE_BYTES = 2**20


class FolderLock:
    """Lock that is held until it is released or the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Release the lock; further calls do nothing."""
        # Unlock explicitly: closing would not suffice while a forked child shares the descriptor.
        _close(self._descriptor, unlock=True)
        self._descriptor = -1


def try_lock(folder: Path) -> FolderLock | None:
    """Lock a folder; return None if it is already locked. Always succeed on a file system without locks.

    Raises:
        OSError: the folder cannot be written.
    """
    descriptor = file_lock.open_lock(folder / LOCK_FILE, mode=0o644)
    with suppress(OSError):  # no locks on this file system
        if not file_lock.lock(descriptor):
            os.close(descriptor)
            return None
    _held[descriptor] = _identity(descriptor)
    return FolderLock(descriptor)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Serialise short operations of processes on a folder; after two seconds, proceed without the lock.

    Raises:
        OSError: the folder cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # no locks on this file system
            file_lock.lock(descriptor, patience=_LOCK_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _close(descriptor: int, *, unlock: bool) -> None:
    identity = _held.pop(descriptor, None)
    if identity is not None and identity == _identity(descriptor):
        if unlock:
            with suppress(OSError):  # no locks on this file system
                file_lock.unlock(descriptor)
        os.close(descriptor)


def _identity(descriptor: int) -> tuple[int, int]:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return (-1, -1)
    return (status.st_dev, status.st_ino)


def _close_in_child() -> None:
    for descriptor in list(_held):
        _close(descriptor, unlock=False)


os.register_at_fork(after_in_child=_close_in_child)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """Folder of a run: its paths, names and parameters."""

    path: Path
    metrics_file: Path
    # Folder for checkpoints, which all attempts of the run share.
    checkpoint_path: Path
    # Format: entity/project/id
    run: str
    sweep: str | None = None
    attempt: int
    # Index of the run among the repeats of its point.
    repeat: int = 0
    params: Mapping[str, object] = field(default_factory=dict)
    # Whether this process created the run, instead of an agent handing it out.
    standalone: bool
    # Lock of a standalone run, held until the run ends.
    lock: FolderLock | None = None

    @property
    def config_file(self) -> Path:
        """Path of the configuration file of a standalone run."""
        return self.path / "config.json"

    def environment(self) -> dict[str, str]:
        """Return the environment variables by which child processes find the folder of a standalone run."""
        return {
            "SWEEPD_RUN_DIR": str(self.path),
            "SWEEPD_METRICS_FILE": str(self.metrics_file),
            "SWEEPD_CHECKPOINT_DIR": str(self.checkpoint_path),
            "SWEEPD_PARAMS_FILE": str(self.config_file),
            "SWEEPD_RUN_ID": self.run,
            "SWEEPD_ATTEMPT": str(self.attempt),
        }


def given_folder(environment: Mapping[str, str]) -> RunFolder | None:
    """Return the folder that the environment variables name; None outside of a run.

    Raises:
        RuntimeError: the parameters file cannot be read. The script must not train with parameters that
            differ from those recorded in the sweep.
    """
    metrics_file = environment.get("SWEEPD_METRICS_FILE")
    if not metrics_file:
        return None
    path = Path(environment.get("SWEEPD_RUN_DIR") or Path(metrics_file).parent).absolute()
    return RunFolder(
        path=path,
        metrics_file=Path(metrics_file).absolute(),
        checkpoint_path=Path(environment.get("SWEEPD_CHECKPOINT_DIR") or path / "checkpoints").absolute(),
        run=environment.get("SWEEPD_RUN_ID") or f"local/default/{path.name}",
        sweep=environment.get("SWEEPD_SWEEP_ID") or None,
        attempt=int(environment.get("SWEEPD_ATTEMPT") or 1),
        repeat=int(environment.get("SWEEPD_REPEAT") or 0),
        params=_read_params(environment.get("SWEEPD_PARAMS_FILE")),
        standalone=False,
    )


def read_record(path: Path) -> dict[str, object]:
    """Return the record that a folder has of its standalone run; empty if the record cannot be read."""
    try:
        record: object = json.loads(read_inside(path.resolve(), RUN_FILE, limit=MAX_FILE_BYTES))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def record_end(folder: RunFolder, *, exit_code: int, now: float, at_exit: bool = False) -> None:
    """Record the end of a standalone run in its folder.

    Args:
        folder: folder of the run.
        exit_code: exit code that this process has recorded.
        now: Unix time.
        at_exit: whether the process is exiting; an exit status from the system then takes precedence.

    Raises:
        OSError: the folder cannot be written.
    """
    record = {"run": folder.run, **read_record(folder.path)}
    end = {"exit_code": exit_code, "at_exit": True} if at_exit else {"exit_code": exit_code}
    write_json(folder.path / RUN_FILE, {**record, "ended": now, **end})


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Replace a JSON file atomically: a reader sees either the old or the new document.

    Raises:
        OSError: the folder cannot be written.
    """
    replace_file(path, json.dumps(document, indent=2) + "\n", mode=0o666)


def _read_params(file: str | None) -> Mapping[str, object]:
    if not file:
        return {}
    try:
        params: object = json.loads(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        raise RuntimeError(f"sweepd: the run's parameters cannot be read: {file}: {error}") from error
    if not isinstance(params, dict):
        raise RuntimeError(f"sweepd: the run's parameters are not a JSON object: {file}")
    return params


def print_failure(file: Path) -> None:
    """Print the sync failure recorded in a file, and remove the file."""
    try:
        failure = json.loads(read_inside(file.parent, file.name, limit=_MAX_NOTICE_BYTES))
        server, folder, why = (str(failure[name]) for name in ("server", "folder", "why"))
        file.unlink()
    except (OSError, ValueError, KeyError, TypeError):
        return  # the file is absent, or another script prints it
    where = relative_to_here(Path(folder))
    again = f"`sweepctl sync {where}` tries again"
    print_line(f"sweepd: {server} has not received all data of the run in {where}: {why}; {again}\n")


def relative_to_here(path: Path) -> Path:
    """Return a path below the working directory as a relative path, other paths unchanged."""
    try:
        here = Path.cwd()
    except OSError:  # the working directory was removed
        return path
    return path.relative_to(here) if path.is_relative_to(here) else path
