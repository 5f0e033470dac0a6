"""Files of a run, and the record of a standalone run in its folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sweepd.private_files import replace_file
from sweepd.regular_files import read_inside
from sweepd.script.folder.lock import FolderLock

RUN_FILE = "run.json"
MAX_FILE_BYTES = 64 * 2**20
"""Limit for files read from a run folder, which may hold anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """Paths, names and parameters of a run."""

    path: Path
    metrics_file: Path
    # Kept across attempts.
    checkpoint_path: Path
    # Format: entity/project/id
    run: str
    sweep: str | None
    attempt: int
    # Index among the runs of its point.
    repeat: int
    params: Mapping[str, object]
    # Created by this process, not handed out by an agent.
    standalone: bool
    # Of a standalone run, held until the run ends.
    lock: FolderLock | None = None

    @property
    def config_file(self) -> Path:
        """Configuration of a standalone run."""
        return self.path / "config.json"

    def environment(self) -> dict[str, str]:
        """Return the variables by which child processes find the folder of a standalone run."""
        return {
            "SWEEPD_RUN_DIR": str(self.path),
            "SWEEPD_METRICS_FILE": str(self.metrics_file),
            "SWEEPD_CHECKPOINT_DIR": str(self.checkpoint_path),
            "SWEEPD_PARAMS_FILE": str(self.config_file),
            "SWEEPD_RUN_ID": self.run,
            "SWEEPD_ATTEMPT": str(self.attempt),
        }


def given_folder(environment: Mapping[str, str]) -> RunFolder | None:
    """Return the folder that the environment names; None outside of a run.

    Raises:
        RuntimeError: the parameters file is named but cannot be read. Training with other parameters than the
            sweep has recorded would be worse than not starting.
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
    """Return the record of a standalone run in its folder; empty if it cannot be read."""
    try:
        record: object = json.loads(read_inside(path.resolve(), RUN_FILE, limit=MAX_FILE_BYTES))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def record_end(folder: RunFolder, *, exit_code: int, now: float, at_exit: bool = False) -> None:
    """Record the end of a standalone run in its folder.

    Args:
        folder: folder of the run.
        exit_code: exit code as far as this process knows it.
        now: Unix time.
        at_exit: whether the process is about to exit; the exit status from the system then takes precedence.

    Raises:
        OSError: the folder cannot be written.
    """
    record = {"run": folder.run, **read_record(folder.path)}
    end = {"exit_code": exit_code, "at_exit": True} if at_exit else {"exit_code": exit_code}
    write_json(folder.path / RUN_FILE, {**record, "ended": now, **end})


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Replace the JSON file atomically: a reader sees the old or the new document.

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
