"""Where a run keeps its files: the folder that an agent made for it, or one of its own."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sweepd.metrics_file import FILE_NAME
from sweepd.script.row import plain

RUN_FOLDERS = "sweepd-runs"
_RUN_FILE = "run.json"
# What is noted of all attempts at a run.
_LASTING = ("run", "program", "started")
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


def new_folder(
    parent: Path,
    *,
    program: str,
    now: float,
    entity: str | None = None,
    project: str | None = None,
    run_id: str | None = None,
) -> RunFolder:
    """Make a folder for a run that nobody handed out, below `parent`.

    Args:
        parent: where the folder of such folders is.
        program: the script; names the project where no other name is given.
        now: Unix time.
        entity: whose project it is.
        project: what the run belongs to.
        run_id: its id; None: a new one.
    """
    run_id = run_id or "".join(_ID_LETTERS[byte % len(_ID_LETTERS)] for byte in os.urandom(8))
    started = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    path = parent.absolute() / RUN_FOLDERS / f"{started}-{run_id}"
    path.mkdir(parents=True, exist_ok=True)
    owner = _name(entity or "") or "local"
    folder = _own_folder(path, f"{owner}/{_name(project or Path(program).stem) or 'default'}/{run_id}", 1)
    write_json(path / _RUN_FILE, {"run": folder.run, "program": program, "started": now})
    return folder


def find_folder(parent: Path, *, run_id: str | None, program: str) -> RunFolder | None:
    """Return the newest folder of a run that nobody handed out, for another attempt at it.

    Args:
        parent: where the folder of such folders is.
        run_id: its id; None: the newest run of the same script, if that did not end well.
        program: the script.
    """
    for file in sorted((parent.absolute() / RUN_FOLDERS).glob(f"*/{_RUN_FILE}"), reverse=True):
        try:
            noted = json.loads(file.read_bytes())
            run, attempt = str(noted["run"]), int(noted.get("attempt", 1))
        except (OSError, ValueError, KeyError):
            continue
        if run_id is None and noted.get("program") != program:
            continue
        if run_id is None and noted.get("exit_code") == 0:
            return None
        if run_id is None or run.rpartition("/")[2] == run_id:
            return _own_folder(file.parent, run, attempt)
    return None


def note_attempt(folder: RunFolder, *, now: float) -> RunFolder:
    """Note that a run of its own is tried again; return its folder for that."""
    file = folder.path / _RUN_FILE
    kept = {name: value for name, value in json.loads(file.read_bytes()).items() if name in _LASTING}
    attempt = folder.attempt + 1
    write_json(file, {**kept, "attempt": attempt, "resumed": now})
    return replace(folder, attempt=attempt)


def _own_folder(path: Path, run: str, attempt: int) -> RunFolder:
    return RunFolder(
        path=path,
        metrics_file=path / FILE_NAME,
        checkpoint_path=path / "checkpoints",
        run=run,
        sweep=None,
        attempt=attempt,
        repeat=0,
        params={},
        own=True,
    )


def no_folder(*, entity: str | None, project: str | None, run_id: str | None) -> RunFolder:
    """Return what stands for the folder of a run that keeps nothing; nothing is made."""
    import tempfile  # loads much; most runs have a folder

    path = Path(tempfile.gettempdir()) / f"sweepd-disabled-{os.getpid()}"
    return _own_folder(path, f"{entity or 'local'}/{project or 'disabled'}/{run_id or 'disabled'}", 1)


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


def _name(text: str) -> str:
    """Return a text as a part of a run's name: small letters, digits, `-`, `_` and dots within."""
    letters = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "_.") else "-"
        for letter in text.lower()
    )
    return letters.strip("-_.")[:64]


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
