"""Folders of standalone runs: new ones, and those of earlier runs to resume."""

import atexit
import os
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from sweepd.metrics_file import FILE_NAME, end_of
from sweepd.private_files import make_folder
from sweepd.script.errors import UsageError
from sweepd.script.folder.run_folder import (
    RUN_FILE,
    FolderLock,
    RunFolder,
    one_at_a_time,
    read_record,
    try_lock,
    write_json,
)
from sweepd.script.folder.sync import script_pid
from sweepd.script.notices import Notices
from sweepd.script.settings import RunOptions, name_part

RUN_FOLDERS = "sweepd-runs"
# Members of run.json that stay the same in all attempts of a run.
_SHARED = ("run", "program", "started", "begun")
# Values of `sys.argv[0]` without a script: at a prompt, with `python -c` or `python -m`, in a notebook.
_NOT_SCRIPTS = ("", "-c", "-m", "ipykernel_launcher")
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def open_folder(wanted: RunOptions, notices: Notices) -> tuple[RunFolder | None, RunOptions]:
    """Return a folder for a run (None if none can be created) and the effective options.

    Raises:
        UsageError: `resume` is "must" but the run is missing, or "never" but it exists, or resuming it fails.
    """
    program, now = next(iter(sys.argv), ""), time.time()
    try:
        parent = Path(wanted.dir or Path.cwd())
        if wanted.id is not None and wanted.resume is None:
            _warn_if_exists(wanted.id, parent.absolute() / RUN_FOLDERS, notices)
        return standalone_folder(wanted, parent, program=program, now=now), wanted
    except OSError as error:
        refused = error
    import tempfile  # rarely needed

    try:
        parent = Path(tempfile.mkdtemp(prefix="sweepd-"))
        folder = new_folder(wanted, parent, program=program, now=now)
    except OSError:
        notices.once("folder", f"this run is not stored, as its folder cannot be created: {refused}")
        return None, replace(wanted, mode="disabled")
    notices.once("folder", f"this run is stored below {parent}, as its folder cannot be created: {refused}")
    return folder, wanted


def _warn_if_exists(run_id: str, runs: Path, notices: Notices) -> None:
    existing = next((path for path, record in _records(runs, run_id) if _id(record) == run_id), None)
    if existing is not None:
        notices.once(
            f"id {run_id}",
            f"run {run_id} already exists in {existing}, and a server accepts only one run per id: pass "
            'resume="allow" to resume it',
        )


def standalone_folder(wanted: RunOptions, parent: Path, *, program: str, now: float) -> RunFolder:
    """Return a locked folder: that of an earlier run if `resume` selects one, else a new one.

    Args:
        wanted: options of `init`.
        parent: parent of `sweepd-runs`.
        program: path of the script.
        now: Unix time.

    Raises:
        UsageError: `resume` is "must" but the run is missing, or "never" but it exists, or resuming it fails.
        OSError: the folder cannot be created.
    """
    runs = parent.absolute() / RUN_FOLDERS
    asked = wanted.resume is not None and (wanted.id is not None or wanted.resume == "auto")
    if asked:
        make_folder(runs)
    with one_at_a_time(runs) if asked else nullcontext():  # serialises scripts that start at the same time
        earlier = _earlier(wanted, runs, program=program, now=now) if asked else None
        if earlier is not None:
            return earlier
        if wanted.resume == "must":
            if not wanted.id:
                raise UsageError(
                    'init: resume="must" needs an id; "auto" resumes the newest run of this script'
                )
            raise UsageError(f"init: no run {wanted.id} to resume below {runs}")
        return new_folder(wanted, parent, program=program, now=now)


def new_folder(wanted: RunOptions, parent: Path, *, program: str, now: float) -> RunFolder:
    """Create a folder for a new run below `parent`; see `standalone_folder`.

    Raises:
        OSError: the folder cannot be created.
    """
    run_id = wanted.id or "".join(_ID_LETTERS[byte % len(_ID_LETTERS)] for byte in os.urandom(8))
    started = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    path = _create_folder(parent.absolute() / RUN_FOLDERS, f"{started}-{run_id}")
    # Lock the folder before its record exists, so that no other process can resume it.
    lock = try_lock(path)
    entity = name_part(wanted.entity or "") or "local"
    script = Path(program).stem
    project = name_part(wanted.project or ("" if script in _NOT_SCRIPTS else script)) or "default"
    write_json(path / RUN_FILE, {"run": f"{entity}/{project}/{run_id}", "program": program, "started": now})
    return _run_folder(path, f"{entity}/{project}/{run_id}", 1, lock)


def temporary_folder(wanted: RunOptions) -> RunFolder:
    """Return a folder for a disabled run; the folder is removed when the process ends."""
    import tempfile  # slow to import; most runs do not need it

    try:
        path = Path(tempfile.mkdtemp(prefix="sweepd-disabled-"))
    except OSError:
        path = Path(os.devnull) / "sweepd"  # no folder is writable
    else:
        atexit.register(_remove, path, os.getpid())
    return _run_folder(
        path, f"{wanted.entity or 'local'}/{wanted.project or 'disabled'}/{wanted.id or 'disabled'}", 1
    )


def _earlier(wanted: RunOptions, runs: Path, *, program: str, now: float) -> RunFolder | None:
    """Return the folder of an earlier run, prepared for another attempt; None if no run can be resumed.

    Raises:
        UsageError: `resume` is "never" but the run exists, or the run cannot be resumed.
    """
    path = _newest(runs, wanted.id, program)
    if path is None:
        return None
    if wanted.resume == "never":
        raise UsageError(f'init: run {wanted.id} exists in {path}, but resume="never" was given')
    try:
        return _next_attempt_in(path, wanted.id, now=now)
    except OSError as error:
        if wanted.id is None:
            return None
        raise UsageError(f"init: run {wanted.id} cannot be resumed in {path}: {error.strerror}") from error


def _next_attempt_in(path: Path, run_id: str | None, *, now: float) -> RunFolder | None:
    """Return the folder prepared for another attempt; None if it is in use and `run_id` is None.

    Raises:
        UsageError: the run of the given id is in use.
        OSError: the folder cannot be written.
    """
    lock = try_lock(path)
    process = script_pid(path)
    if lock is None or process is not None:
        if lock is not None:
            lock.release()
        if run_id is None:
            return None  # the script was started several times: each process gets a separate run
        who = "another process" if process is None else f"process {process}"
        raise UsageError(
            f"init: run {run_id} is active in {who}, in {path}: it can be resumed once that process has "
            "ended; child processes may only call log, other processes need their own id"
        )
    try:
        return _next_attempt(path, lock, now=now)
    except OSError:
        lock.release()
        raise


def _next_attempt(path: Path, lock: FolderLock, *, now: float) -> RunFolder:
    record = read_record(path)  # read again under the lock
    before = record.get("attempt")
    attempt = before + 1 if isinstance(before, int) else 2
    kept = {name: value for name, value in record.items() if name in _SHARED}
    segment, offset = end_of(path / FILE_NAME)
    earlier = kept.get("begun")
    # Position of the first row of each later attempt, whose rows may replace those of earlier attempts.
    begun = [
        *(earlier if isinstance(earlier, list) else ()),
        {"attempt": attempt, "segment": segment, "offset": offset},
    ]
    write_json(path / RUN_FILE, {**kept, "begun": begun, "attempt": attempt, "resumed": now})
    return _run_folder(path, str(record["run"]), attempt, lock)


def _newest(runs: Path, run_id: str | None, program: str) -> Path | None:
    """Return a run's newest folder or None; without an id, of the script's last run unless it succeeded."""
    for path, record in _records(runs, run_id):
        if run_id is not None:
            if _id(record) == run_id:
                return path
        elif record.get("program") == program:
            return None if record.get("exit_code") == 0 else path
    return None


def _records(runs: Path, run_id: str | None) -> Iterator[tuple[Path, dict[str, object]]]:
    """Yield the folders that may belong to a run id, newest first, with the records of their runs."""
    for file in sorted(runs.glob(f"*{run_id or ''}*/{RUN_FILE}"), reverse=True):
        record = read_record(file.parent)
        if str(record.get("run")).count("/") == 2:
            yield file.parent, record


def _id(record: dict[str, object]) -> str:
    return str(record["run"]).rpartition("/")[2]


def _create_folder(runs: Path, name: str) -> Path:
    """Create a folder; append a number to its name if a folder of this name exists."""
    make_folder(runs)
    path, more = runs / name, 1
    while True:
        try:
            make_folder(path, exist_ok=False)
        except FileExistsError:
            more += 1
            path = runs / f"{name}-{more}"
        else:
            return path


def _run_folder(path: Path, run: str, attempt: int, lock: FolderLock | None = None) -> RunFolder:
    return RunFolder(
        path=path,
        metrics_file=path / FILE_NAME,
        checkpoint_path=path / "checkpoints",
        run=run,
        attempt=attempt,
        standalone=True,
        lock=lock,
    )


def _remove(path: Path, process: int) -> None:
    if process == os.getpid():
        import shutil

        shutil.rmtree(path, ignore_errors=True)
