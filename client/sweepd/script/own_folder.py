"""The folder of a run that nobody handed out: a new one, or an earlier one that is gone on with."""

import atexit
import os
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from sweepd.folders import make_folder
from sweepd.metrics_file import FILE_NAME, end_of
from sweepd.script.errors import UsageError
from sweepd.script.folder import RUN_FILE, RunFolder, noted_in, write_json
from sweepd.script.folder_lock import FolderLock, one_at_a_time, try_lock
from sweepd.script.notices import Notices
from sweepd.script.pushing import script_lives
from sweepd.script.settings import Wishes

RUN_FOLDERS = "sweepd-runs"
# What is noted of all attempts at a run.
_LASTING = ("run", "program", "started", "begun")
# What `sys.argv` begins with where no script was started: a prompt, `python -c`, the kernel of a notebook.
_NO_SCRIPTS = ("", "-c", "-m", "ipykernel_launcher")
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def folder_for(wanted: Wishes, notices: Notices) -> tuple[RunFolder | None, Wishes]:
    """Return a folder for a run, and what is wanted of it where that can be had; None: nothing can be kept.

    Raises:
        UsageError: a run that is to be gone on with is not there, is not to be there, or cannot be had.
    """
    program, now = next(iter(sys.argv), ""), time.time()
    try:
        parent = Path(wanted.dir or Path.cwd())
        if wanted.id is not None and wanted.resume is None:
            _say_if_there(wanted.id, parent.absolute() / RUN_FOLDERS, notices)
        return own_folder(wanted, parent, program=program, now=now), wanted
    except OSError as error:
        refused = error
    import tempfile  # seldom needed

    try:
        parent = Path(tempfile.mkdtemp(prefix="sweepd-"))
        folder = new_folder(wanted, parent, program=program, now=now)
    except OSError:
        notices.once("folder", f"nothing of this run is kept, as no folder can be made for it: {refused}")
        return None, replace(wanted, mode="disabled")
    notices.once("folder", f"this run is kept below {parent}, as it cannot be where it was to be: {refused}")
    return folder, wanted


def _say_if_there(run_id: str, runs: Path, notices: Notices) -> None:
    there = next((path for path, noted in _noted(runs, run_id) if _id(noted) == run_id), None)
    if there is not None:
        notices.once(
            f"id {run_id}",
            f"there is a run {run_id} in {there} already, and a server takes one of an id: say "
            'resume="allow" to go on with that one',
        )


def own_folder(wanted: Wishes, parent: Path, *, program: str, now: float) -> RunFolder:
    """Return a folder that this process alone has: an earlier one where that is asked for, else a new one.

    Args:
        wanted: what the script asks for.
        parent: where the folder of such folders is.
        program: the script.
        now: Unix time.

    Raises:
        UsageError: the earlier one is not there, is not to be there, or cannot be had.
        OSError: no folder can be made.
    """
    runs = parent.absolute() / RUN_FOLDERS
    asked = wanted.resume is not None and (wanted.id is not None or wanted.resume == "auto")
    if asked:
        make_folder(runs)
    with one_at_a_time(runs) if asked else nullcontext():  # of two that are started at once, one is earlier
        earlier = _earlier(wanted, runs, program=program, now=now) if asked else None
        if earlier is not None:
            return earlier
        if wanted.resume == "must":
            if not wanted.id:
                raise UsageError(
                    'init: resume="must" needs an id; "auto" takes the newest run of this script'
                )
            raise UsageError(f"init: no run {wanted.id} to resume below {runs}")
        return new_folder(wanted, parent, program=program, now=now)


def new_folder(wanted: Wishes, parent: Path, *, program: str, now: float) -> RunFolder:
    """Make a folder below `parent`, see `own_folder`.

    Raises:
        OSError: it cannot be made.
    """
    run_id = wanted.id or "".join(_ID_LETTERS[byte % len(_ID_LETTERS)] for byte in os.urandom(8))
    started = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    path = _fresh(parent.absolute() / RUN_FOLDERS, f"{started}-{run_id}")
    # Before it is a run's folder, so that nobody else can have it.
    lock = try_lock(path)
    owner = named(wanted.entity or "") or "local"
    script = Path(program).stem
    project = named(wanted.project or ("" if script in _NO_SCRIPTS else script)) or "default"
    write_json(path / RUN_FILE, {"run": f"{owner}/{project}/{run_id}", "program": program, "started": now})
    return _folder(path, f"{owner}/{project}/{run_id}", 1, lock)


def no_folder(wanted: Wishes) -> RunFolder:
    """Return a folder for a run that keeps nothing: what a script puts there goes when the process ends."""
    import tempfile  # loads much; most runs have a folder of their own

    try:
        path = Path(tempfile.mkdtemp(prefix="sweepd-disabled-"))
    except OSError:
        path = Path(os.devnull) / "sweepd"  # nothing can be written anywhere
    else:
        atexit.register(_remove, path, os.getpid())
    return _folder(
        path, f"{wanted.entity or 'local'}/{wanted.project or 'disabled'}/{wanted.id or 'disabled'}", 1
    )


def _earlier(wanted: Wishes, runs: Path, *, program: str, now: float) -> RunFolder | None:
    """Return the folder to go on with, for another attempt at its run; None if there is none.

    Raises:
        UsageError: it is not to be there, or cannot be had.
    """
    found = _newest(runs, wanted.id, program)
    if found is None:
        return None
    path, _ = found
    if wanted.resume == "never":
        raise UsageError(f'init: there is a run {wanted.id} in {path}, and resume="never" was asked')
    try:
        return _taken(path, wanted.id, now=now)
    except OSError as error:
        if wanted.id is None:
            return None
        raise UsageError(
            f"init: run {wanted.id} cannot be gone on with in {path}: {error.strerror}"
        ) from error


def _taken(path: Path, run_id: str | None, *, now: float) -> RunFolder | None:
    """Return a folder for another attempt; None if somebody has it, and no id was asked for.

    Raises:
        UsageError: somebody has it.
        OSError: nothing can be written there.
    """
    lock = try_lock(path)
    process = script_lives(path)
    if lock is None or process is not None:
        if lock is not None:
            lock.release()
        if run_id is None:
            return None  # the same script is started several times at once: each has a run of its own
        who = "another process" if process is None else f"process {process}"
        raise UsageError(
            f"init: run {run_id} is under way in {who}, in {path}: it can be gone on with once that "
            "has ended; child processes of it just call log, others take an id of their own"
        )
    try:
        return _next_attempt(path, lock, now=now)
    except OSError:
        lock.release()
        raise


def _next_attempt(path: Path, lock: FolderLock, *, now: float) -> RunFolder:
    noted = noted_in(path)  # again, now that nobody else can change it
    attempt = _whole(noted.get("attempt")) + 1
    kept = {name: value for name, value in noted.items() if name in _LASTING}
    segment, offset = end_of(path / FILE_NAME)
    earlier = kept.get("begun")
    # Where the rows of each attempt but the first begin: they replace some of those before.
    begun = [
        *(earlier if isinstance(earlier, list) else ()),
        {"attempt": attempt, "segment": segment, "offset": offset},
    ]
    write_json(path / RUN_FILE, {**kept, "begun": begun, "attempt": attempt, "resumed": now})
    return _folder(path, str(noted["run"]), attempt, lock)


def _newest(runs: Path, run_id: str | None, program: str) -> tuple[Path, dict[str, object]] | None:
    """Return the newest folder of a run; without an id, that of the script unless it ended well."""
    for path, noted in _noted(runs, run_id):
        if run_id is not None:
            if _id(noted) == run_id:
                return path, noted
        elif noted.get("program") == program:
            return None if noted.get("exit_code") == 0 else (path, noted)
    return None


def _noted(runs: Path, run_id: str | None) -> Iterator[tuple[Path, dict[str, object]]]:
    """Yield the folders that may be of an id, newest first, and what is noted of their runs."""
    for file in sorted(runs.glob(f"*{run_id or ''}*/{RUN_FILE}"), reverse=True):
        noted = noted_in(file.parent)
        if str(noted.get("run")).count("/") == 2:
            yield file.parent, noted


def _id(noted: dict[str, object]) -> str:
    return str(noted["run"]).rpartition("/")[2]


def _whole(attempt: object) -> int:
    return attempt if isinstance(attempt, int) else 1


def _fresh(runs: Path, name: str) -> Path:
    """Make a folder that no other run has."""
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


def _folder(path: Path, run: str, attempt: int, lock: FolderLock | None = None) -> RunFolder:
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
        lock=lock,
    )


def named(text: str) -> str:
    """Return a text as a part of a run's name, as sweeps would have it; empty if nothing of it can stay."""
    from sweepd.name_part import as_part  # a run of a sweep has its names

    return as_part(text)


def _remove(path: Path, process: int) -> None:
    if process == os.getpid():
        import shutil

        shutil.rmtree(path, ignore_errors=True)
