"""Where a run keeps its files, and what its folder tells."""

import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sweepd.regular_files import read_inside
from sweepd.script.folder_lock import FolderLock

RUN_FILE = "run.json"
MOST_BYTES = 64 * 2**20
"""Of a file that is read of a folder, which may hold anything."""
_serials = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """The files of a run and what is known about it."""

    path: Path
    metrics_file: Path
    # Kept from attempt to attempt.
    checkpoint_path: Path
    # Format: entity/project/id
    run: str
    sweep: str | None
    attempt: int
    # Which of the runs of its point it is, from 0.
    repeat: int
    params: Mapping[str, object]
    # Made by this process, for a run that nobody handed out.
    own: bool
    # On a folder of its own: nobody else has it until the run ends.
    lock: FolderLock | None = None

    @property
    def config_file(self) -> Path:
        """Where the configuration of a run of its own is kept."""
        return self.path / "config.json"

    def environment(self) -> dict[str, str]:
        """Return the variables by which child processes find a folder of its own."""
        return {
            "SWEEPD_RUN_DIR": str(self.path),
            "SWEEPD_METRICS_FILE": str(self.metrics_file),
            "SWEEPD_CHECKPOINT_DIR": str(self.checkpoint_path),
            "SWEEPD_PARAMS_FILE": str(self.config_file),
            "SWEEPD_RUN_ID": self.run,
            "SWEEPD_ATTEMPT": str(self.attempt),
        }


def given_folder(environment: Mapping[str, str]) -> RunFolder | None:
    """Return the folder that the environment names; None if this process is no run's.

    Raises:
        RuntimeError: the file of the run's parameters is named, but cannot be read. Training on with other
            parameters than the sweep believes in would be worse than not to begin.
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
        own=False,
    )


def noted_in(path: Path) -> dict[str, object]:
    """Return what is noted of a run of its own in its folder; nothing if that cannot be read."""
    try:
        noted: object = json.loads(read_inside(path.resolve(), RUN_FILE, limit=MOST_BYTES))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def note_end(folder: RunFolder, *, exit_code: int, now: float, at_exit: bool = False) -> None:
    """Add to the folder of a run of its own how and when it ended.

    Args:
        folder: of the run.
        exit_code: as far as this process knows it.
        now: Unix time.
        at_exit: whether the process is about to end, so that the system may know better.

    Raises:
        OSError: the folder cannot be written.
    """
    noted = {"run": folder.run, **noted_in(folder.path)}
    how = {"exit_code": exit_code, "at_exit": True} if at_exit else {"exit_code": exit_code}
    write_json(folder.path / RUN_FILE, {**noted, "ended": now, **how})


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Replace `path` by `document`, so that a reader sees the old or the new one whole.

    Raises:
        OSError: the folder cannot be written.
    """
    # No two writers have the same: threads and signal handlers write the same files.
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{next(_serials)}")
    try:
        fresh.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _read_params(file: str | None) -> Mapping[str, object]:
    if not file:
        return {}
    try:
        params: object = json.loads(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        raise RuntimeError(f"sweepd: the run's parameters cannot be read: {file}: {error}") from error
    if not isinstance(params, dict):
        raise RuntimeError(f"sweepd: the run's parameters are no JSON object: {file}")
    return params
