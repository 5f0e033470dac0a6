"""Commands in processes forked from one that has loaded them: imports take longer than most tests.

Each process has its own arguments, environment, folder and output, also in /proc, as if it had been
started; only the start of the interpreter and the imports are shared. Its child processes start as usual. A
process whose environment changes how an interpreter starts is not forked, but started.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import IO

BIN = Path(sys.executable).parent
_MOST_BYTES = 200_000
"""Of one call: its arguments and its environment."""
_ROOM = 60_000
"""Bytes that the arguments and the environment of a process may take in /proc, each."""
_MOST_DESCRIPTORS = 4_096
_FOR_GRPC: dict[str, dict[str, str]] = {
    "sweepctl": {},
    "sweepd": {"GRPC_VERBOSITY": "NONE", "GRPC_ENABLE_FORK_SUPPORT": "0"},
    "sweep-agent": {"GRPC_VERBOSITY": "NONE"},
}
"""Variables that commands set before they import gRPC."""
_READ_AT_START = ("PYTHON", "LC_", "LANG")
"""Beginnings of the variables that an interpreter reads as it starts, and never again."""
_MAINS = {"sweepctl": "sweepd.cli.main", "sweepd": "sweepd_kernel.main", "sweep-agent": "sweepd_agent.main"}
_LATER = (
    "sweepd.spec.loading.yaml_tokens",
    "sweepd.client",
    "sweepd.rpc.channel",
    "google.rpc.error_details_pb2",
    "grpc._channel",
    "grpc.experimental",
    "encodings.utf_8_sig",
    "secrets",
    "tomllib",
)
"""Modules that commands of `sweepctl` import at their first use."""


class Process:
    """A process forked by another one, with the interface of `Popen` that tests use."""

    def __init__(self, arguments: Sequence[str], reports: socket.socket, stdout: IO[str] | None) -> None:
        self.args = list(arguments)
        self.stdout = stdout
        self.returncode: int | None = None
        self._reports = reports
        self.pid = int(reports.recv(16))

    def poll(self) -> int | None:
        """Return its exit status; None while it is running."""
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return its exit status.

        Raises:
            subprocess.TimeoutExpired: it has not ended within the timeout.
        """
        code = self._ended_within(timeout)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.args, timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _ended_within(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._reports.settimeout(timeout)
            try:
                self.returncode = int(self._reports.recv(16))
            except (TimeoutError, BlockingIOError):
                return None
            self._reports.close()
        return self.returncode


Started = Process | subprocess.Popen[str]


def start(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    stdout: int | IO[str] = subprocess.DEVNULL,
    stderr: int | IO[str] = subprocess.DEVNULL,
    fresh: bool = False,
) -> Started:
    """Start a command.

    Args:
        arguments: name of the command, then its arguments.
        environment: its variables.
        folder: its working directory.
        stdout: may be a pipe.
        stderr: must not be a pipe.
        fresh: start an interpreter instead of forking, for tests of the start itself.
    """
    command = arguments[0]
    if fresh or _read_at_start(environment) != _read_at_start(os.environ):
        return subprocess.Popen(
            [str(BIN / command), *arguments[1:]],
            env=environment,
            cwd=folder,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )
    shown = [sys.executable, str(BIN / command), *arguments[1:]]
    call = json.dumps([shown, dict(environment), str(folder)]).encode()
    assert len(call) < _MOST_BYTES
    with ExitStack() as stack:
        reports, reporting = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stack.enter_context(reporting)
        reader = None
        if stdout == subprocess.PIPE:
            read, write = os.pipe()
            reader, stdout = os.fdopen(read), stack.enter_context(os.fdopen(write, "w"))
        files = [_descriptor(each, stack) for each in (stdout, stderr)]
        socket.send_fds(_template(command), [call], [*files, reporting.fileno()])
    return Process(arguments, reports, reader)


def run(
    arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Raises:
        subprocess.TimeoutExpired: it had not ended within the timeout, and was killed.
    """
    with ExitStack() as stack:
        out, err = [stack.enter_context(os.fdopen(os.memfd_create(name), "r+")) for name in ("out", "err")]
        process = start(arguments, environment=environment, folder=folder, stdout=out, stderr=err)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


def _descriptor(file: int | IO[str], stack: ExitStack) -> int:
    if file == subprocess.DEVNULL:
        file = os.open(os.devnull, os.O_WRONLY)
        stack.callback(os.close, file)
    return file if isinstance(file, int) else file.fileno()


@cache
def _template(command: str) -> socket.socket:
    """Start the process that is forked for each call of a command; it ends with this process."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _MOST_BYTES)
    room = "-" * _ROOM
    with its:
        template = subprocess.Popen(
            [sys.executable, "-P", __file__, command, str(its.fileno()), room],
            env=os.environ | _FOR_GRPC[command] | {"ROOM": room},
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
        )

    def end() -> None:
        ours.close()
        template.wait()

    atexit.register(end)
    return ours


def _serve(calls: socket.socket) -> None:
    """Return once for each call, in its own process; in the parent, report the end of each."""
    reporting: dict[int, tuple[int, int]] = {}
    waited = select.poll()
    waited.register(calls, select.POLLIN)
    while True:
        for descriptor, _ in waited.poll():
            if descriptor != calls.fileno():
                waited.unregister(descriptor)
                _report_end(descriptor, *reporting.pop(descriptor))
                continue
            call, files, _, _ = socket.recv_fds(calls, _MOST_BYTES, 3)
            if not call:
                os._exit(0)
            pid = os.fork()
            if pid == 0:
                _take_over(call, files)
                return
            os.close(files[0])
            os.close(files[1])
            os.write(files[2], str(pid).encode())
            pidfd = os.pidfd_open(pid)
            reporting[pidfd] = (pid, files[2])
            waited.register(pidfd, select.POLLIN)


def _report_end(pidfd: int, pid: int, reporting: int) -> None:
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):  # the process that asked has ended
        os.write(reporting, str(os.waitstatus_to_exitcode(status)).encode())
    os.close(reporting)
    os.close(pidfd)


def _take_over(call: bytes, files: Sequence[int]) -> None:
    """Apply arguments, environment, folder and files to this process, as a start would."""
    shown, environment, folder = json.loads(call)
    os.dup2(files[0], 1)
    os.dup2(files[1], 2)
    os.closerange(3, _MOST_DESCRIPTORS)
    sys.argv = shown[1:]
    os.environ.clear()
    _show_in_proc(shown, [f"{name}={value}" for name, value in environment.items()])
    os.environ.update(environment)
    os.chdir(folder)
    if shown[1].endswith("sweep-agent"):  # its start module has kept the environment of the template
        inherited: dict[str, str] = import_module("sweepd_agent.startup").INHERITED
        inherited.clear()
        inherited.update(environment)
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def _show_in_proc(arguments: Iterable[str], environment: Iterable[str]) -> None:
    """Make /proc show them, by writing to the memory that /proc reads."""
    numbers = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    first, end, first_variable, end_of_variables = map(int, numbers[45:49])
    for start_of, size, texts in (
        (first, end - first, arguments),
        (first_variable, end_of_variables - first_variable, environment),
    ):
        content = b"".join(os.fsencode(text) + b"\0" for text in texts)
        assert len(content) < size
        ctypes.memmove(start_of, content.ljust(size, b"\0"), size)


def _load(command: str) -> None:
    """Import the modules that a command imports at run time."""
    match command:
        case "sweepctl":
            for module in walk_packages(import_module("sweepd.cli").__path__, "sweepd.cli."):
                import_module(module.name)
            for name in _LATER:
                import_module(name)
        case "sweepd":
            import_module("sweepd_kernel.process.up").load_services()
    gc.collect()
    gc.freeze()  # else the collection when a process ends would touch, and so copy, all of it


if __name__ == "__main__":
    called = sys.argv[1]
    main = import_module(_MAINS[called]).main
    _load(called)
    _serve(socket.socket(fileno=int(sys.argv[2])))
    sys.exit(main())
