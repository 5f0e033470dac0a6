"""Recording of the context of an agent's runs, concurrently with the runs and in one thread."""

import asyncio
import contextlib
import json
import os
import platform
import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sweepd import v1
from sweepd.codec.details import context_document
from sweepd.private_files import make_folder
from sweepd.regular_files import read_inside, status_inside, write_inside
from sweepd_agent.context.interpreter import CommandFailedError, Interpreter, ask, gpu_figures, path_of
from sweepd_agent.context.repository import Repository, repository
from sweepd_agent.wire.codec import first_arguments, text

FOLDER = "context"
_MESSAGE_FILE = ".message"
_MAX_MESSAGE_BYTES = 4 * 2**20
_MAX_ARGV_BYTES = 16 * 1024
# Seconds for which the state of the repository is reused for other runs that start.
_REPOSITORY_FOR = 5.0
_MAX_MISSING = 20
_GPUS_WITHIN = 15.0


class Recorder:
    """Recorder shared by all runs of an agent; reads the host and each interpreter only once.

    Args:
        directory: working directory of the runs; None: that of this process.
        interpreter: path of their Python interpreter; None: taken from their commands.
    """

    def __init__(self, *, directory: str | None = None, interpreter: str | None = None) -> None:
        # Runs the blocking commands.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="context")
        self._directory = directory
        self._path = interpreter
        self._host: v1.RunContext | None = None
        self._interpreters: dict[str, Interpreter | str] = {}
        self._repository: tuple[float, Repository | None] | None = None

    async def record(
        self, folder: Path, arguments: Sequence[str], environ: Mapping[str, str]
    ) -> v1.RunContext:
        """Return the context of a run; write it to `context` in the run folder, unless already recorded."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._record, folder, arguments, environ)

    def _record(self, folder: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> v1.RunContext:
        if (earlier := recorded(folder)) is not None:
            return earlier
        if self._host is None:
            self._host = host(environ)
        directory = self._directory or str(Path.cwd())
        found = self._current_repository(directory, environ)
        python = self._interpreter(arguments, environ)
        context = _message(arguments, directory, self._host, found, python)
        # If the files cannot be written, e.g. on a full disk, the context is still reported.
        with contextlib.suppress(OSError):
            if folder.is_dir():  # do not recreate a folder that the script has deleted
                _write(folder / FOLDER, context, found, python)
        return context

    def _current_repository(self, directory: str, environ: Mapping[str, str]) -> Repository | None:
        now = time.monotonic()
        if self._repository is None or now - self._repository[0] > _REPOSITORY_FOR:
            self._repository = (now, repository(directory, environ))
        return self._repository[1]

    def _interpreter(self, arguments: Sequence[str], environ: Mapping[str, str]) -> Interpreter | str | None:
        """Return the interpreter of a command, or why its query failed; None if the command has none."""
        path = self._path or path_of(arguments, environ)
        if path is None:
            return None
        if path not in self._interpreters:
            try:
                self._interpreters[path] = ask(path, environ)
            except CommandFailedError as error:
                self._interpreters[path] = f"the Python of the command: {error}"
        return self._interpreters[path]


def recorded(folder: Path) -> v1.RunContext | None:
    """Return the context recorded in the folder of a run; None if there is none, or it is unreadable."""
    try:
        message = read_inside(folder, f"{FOLDER}/{_MESSAGE_FILE}", limit=_MAX_MESSAGE_BYTES)
        return v1.RunContext.FromString(message)
    except (OSError, ValueError):
        return None


def forget_before(folder: Path, time: float) -> None:
    """Remove the context if it was recorded before a Unix time, i.e. by an earlier attempt."""
    with contextlib.suppress(OSError):
        if status_inside(folder, f"{FOLDER}/{_MESSAGE_FILE}").st_mtime < time:
            shutil.rmtree(folder / FOLDER)


def _message(
    arguments: Sequence[str],
    directory: str,
    machine: v1.RunContext,
    found: Repository | None,
    python: Interpreter | str | None,
) -> v1.RunContext:
    kept = first_arguments(arguments, _MAX_ARGV_BYTES)
    argv = kept if len(kept) == len(arguments) else [*kept, "…"]
    context = v1.RunContext(argv=argv, directory=text(directory))
    context.MergeFrom(machine)
    missing = list(machine.missing)
    if found is not None:
        missing += found.missing
        context.git.commit, context.git.branch = text(found.commit), text(found.branch)
        context.git.remote, context.git.dirty = text(found.remote), found.dirty
    if isinstance(python, Interpreter):
        context.python_version, context.python_executable = text(python.version), text(python.executable)
        context.package_count = len(python.packages)
    elif python is not None:
        missing.append(python)
    context.missing[:] = [text(sentence)[:500] for sentence in missing[:_MAX_MISSING]]
    return context


def _write(
    folder: Path, context: v1.RunContext, found: Repository | None, python: Interpreter | str | None
) -> None:
    make_folder(folder)
    document = json.dumps(context_document(context), indent=2, ensure_ascii=False)
    write_inside(folder, "context.json", f"{document}\n".encode())
    if found is not None and found.diff:
        write_inside(folder, "git.diff", found.diff)
    if isinstance(python, Interpreter) and python.packages:
        write_inside(folder, "requirements.txt", python.requirements)
    # Written last: if this file exists, all the others do.
    write_inside(folder, _MESSAGE_FILE, context.SerializeToString())


def host(environ: Mapping[str, str]) -> v1.RunContext:
    """Return the description of this host; query the GPU driver, if there is one."""
    found = v1.RunContext(
        host=socket.gethostname(),
        os=_system(),
        cpu_count=len(os.sched_getaffinity(0)),
        memory_bytes=_memory(),
    )
    try:
        gpus = gpu_figures("name,memory.total", environ, _GPUS_WITHIN) or ""
    except CommandFailedError as error:
        found.missing.append(text(f"GPUs: {error}"))
        return found
    for line in gpus.splitlines():
        name, _, mebibytes = line.rpartition(",")
        if name and mebibytes.strip().isdecimal():
            found.gpus.add(name=name.strip(), memory_bytes=int(mebibytes) * 2**20)
    return found


def _system() -> str:
    names = platform.uname()
    try:
        pretty = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        pretty = ""
    text = f"{names.system} {names.release} {names.machine}"
    return f"{text} ({pretty})" if pretty else text


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0
