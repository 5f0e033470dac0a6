"""Where a run keeps its files: the folder that an agent made for it, or one of its own."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sweepd.metrics_file import FILE_NAME
from sweepd.script.row import plain

RUN_FOLDERS = "sweepd-runs"
_RUN_FILE = "run.json"
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


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


def new_folder(parent: Path, *, program: str, now: float) -> RunFolder:
    """Make a folder for a run that nobody handed out, below `parent`."""
    run_id = "".join(_ID_LETTERS[byte % len(_ID_LETTERS)] for byte in os.urandom(8))
    started = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    path = parent.absolute() / RUN_FOLDERS / f"{started}-{run_id}"
    path.mkdir(parents=True)
    folder = RunFolder(
        path=path,
        metrics_file=path / FILE_NAME,
        checkpoint_path=path / "checkpoints",
        run=f"local/{_project(program)}/{run_id}",
        sweep=None,
        attempt=1,
        repeat=0,
        params={},
        own=True,
    )
    write_json(path / _RUN_FILE, {"run": folder.run, "program": program, "started": now})
    return folder


def note_end(folder: RunFolder, *, exit_code: int, now: float) -> None:
    """Add to the folder of a run of its own how and when it ended."""
    file = folder.path / _RUN_FILE
    write_json(file, {**json.loads(file.read_bytes()), "ended": now, "exit_code": exit_code})


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Replace `path` by `document`, so that a reader sees the old or the new one whole."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(document, indent=2, default=_plain_or_text) + "\n", encoding="utf-8")
    fresh.replace(path)


def _plain_or_text(value: object) -> object:
    try:
        return plain(value)
    except TypeError:
        return str(value)


def _project(program: str) -> str:
    stem = Path(program).stem.lower()
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem).strip("-")
    return letters or "default"


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
