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
from dataclasses import dataclass
from pathlib import Path

from sweepd import v1
from sweepd.codec.details import context_document
from sweepd.private_files import make_folder
from sweepd.regular_files import read_inside, status_inside, write_inside
from sweepd_agent.context.interpreter import CommandFailedError, Interpreter, ask, gpu_figures, path_of
from sweepd_agent.context.repository import Repository, repository

FOLDER = "context"
_MESSAGE_FILE = ".message"
_MAX_MESSAGE_BYTES = 4 * 2**20
_MAX_ARGV_BYTES = 16 * 1024
# Seconds for which one reading of the repository serves all runs that start.
_REPOSITORY_FOR = 5.0
_MAX_MISSING = 20
_GPUS_WITHIN = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A GPU; memory in bytes."""

    name: str
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Description of a host; `missing` lists what could not be determined, and why."""

    name: str
    os: str
    cpus: int
    memory: int
    devices: tuple[Device, ...]
    missing: tuple[str, ...] = ()


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
        self._host: Host | None = None
        self._interpreters: dict[str, Interpreter | str] = {}
        self._repository: tuple[float, Repository | None] | None = None

    async def record(
        self, folder: Path, arguments: Sequence[str], environ: Mapping[str, str]
    ) -> v1.RunContext:
        """Return the context of a run; write it to `context` in the run folder."""
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
            if folder.is_dir():  # a folder that the script has deleted is not created again
                _leave(folder / FOLDER, context, found, python)
        return context

    def _current_repository(self, directory: str, environ: Mapping[str, str]) -> Repository | None:
        now = time.monotonic()
        if self._repository is None or now - self._repository[0] > _REPOSITORY_FOR:
            self._repository = (now, repository(directory, environ))
        return self._repository[1]

    def _interpreter(self, arguments: Sequence[str], environ: Mapping[str, str]) -> Interpreter | str | None:
        """Return the interpreter of a command, or why querying it failed; None if it runs no Python."""
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
    """Return the context recorded in the folder of a run; None if there is no context."""
    try:
        message = read_inside(folder, f"{FOLDER}/{_MESSAGE_FILE}", limit=_MAX_MESSAGE_BYTES)
        return v1.RunContext.FromString(message)
    except (OSError, ValueError):
        return None


def forget_before(folder: Path, time: float) -> None:
    """Remove a context recorded before a Unix time, which belongs to an earlier attempt."""
    with contextlib.suppress(OSError):
        if status_inside(folder, f"{FOLDER}/{_MESSAGE_FILE}").st_mtime < time:
            shutil.rmtree(folder / FOLDER)


def _message(
    arguments: Sequence[str],
    directory: str,
    machine: Host,
    found: Repository | None,
    python: Interpreter | str | None,
) -> v1.RunContext:
    context = v1.RunContext(
        argv=_cut(arguments),
        directory=_text(directory),
        host=machine.name,
        os=machine.os,
        cpu_count=machine.cpus,
        memory_bytes=machine.memory,
        gpus=[v1.Gpu(name=device.name, memory_bytes=device.memory) for device in machine.devices],
    )
    missing = list(machine.missing)
    if found is not None:
        missing += found.missing
        context.git.commit, context.git.branch = _text(found.checkout.commit), _text(found.checkout.branch)
        context.git.remote, context.git.dirty = _text(found.remote), found.checkout.dirty
    if isinstance(python, Interpreter):
        context.python_version, context.python_executable = _text(python.version), _text(python.executable)
        context.package_count = len(python.packages)
    elif python is not None:
        missing.append(python)
    context.missing.extend(_text(sentence)[:500] for sentence in missing[:_MAX_MISSING])
    return context


def _leave(
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


def _cut(arguments: Sequence[str]) -> list[str]:
    kept: list[str] = []
    room = _MAX_ARGV_BYTES
    for argument in arguments:
        text = _text(argument)
        room -= len(os.fsencode(text))
        if room < 0:
            kept.append("…")
            break
        kept.append(text)
    return kept


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode()


def host(environ: Mapping[str, str]) -> Host:
    """Return the description of this host; query the GPU driver, if there is one."""
    missing: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    try:
        devices = _devices(environ)
    except CommandFailedError as error:
        missing = (f"GPUs: {error}",)
    return Host(
        name=socket.gethostname(),
        os=_system(),
        cpus=len(os.sched_getaffinity(0)),
        memory=_memory(),
        devices=devices,
        missing=missing,
    )


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


def _devices(environ: Mapping[str, str]) -> tuple[Device, ...]:
    devices = []
    for line in (gpu_figures("name,memory.total", environ, _GPUS_WITHIN) or "").splitlines():
        name, _, mebibytes = line.rpartition(",")
        if name and mebibytes.strip().isdecimal():
            devices.append(Device(name=name.strip(), memory=int(mebibytes) * 2**20))
    return tuple(devices)
