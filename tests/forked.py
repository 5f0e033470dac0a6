"""Commands run in forks of a preloaded process, because imports take longer than most tests.

Each fork has its own arguments, environment, working directory and output, also in /proc, as a started
process has; only the start of the interpreter and the imports are shared. Child processes start normally. A
command whose environment changes the start of an interpreter is started instead of forked.
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
_MAX_CALL_BYTES = 200_000
"""Limit of the arguments and environment of one call."""
_PROC_BYTES = 60_000
"""Bytes reserved in /proc for the arguments of a process, and as many for its environment."""
_MAX_DESCRIPTORS = 4_096
_FOR_GRPC: dict[str, dict[str, str]] = {
    "sweepctl": {},
    "sweepd": {"GRPC_VERBOSITY": "NONE", "GRPC_ENABLE_FORK_SUPPORT": "0"},
    "sweep-agent": {"GRPC_VERBOSITY": "NONE"},
}
"""Variables that each command sets before it imports gRPC."""
_READ_AT_START = ("PYTHON", "LC_", "LANG")
"""Prefixes of the variables that an interpreter reads only at its start."""
_MAINS = {"sweepctl": "sweepd.cli.main", "sweepd": "sweepd_kernel.main", "sweep-agent": "sweepd_agent.main"}
_LAZY_IMPORTS = (
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
"""Modules that `sweepctl` imports at their first use."""


class Process:
    """Forked process, with the part of the interface of `Popen` that tests use."""

    def __init__(self, arguments: Sequence[str], reports: socket.socket, stdout: IO[str] | None) -> None:
        self.args = list(arguments)
        self.stdout = stdout
        self.returncode: int | None = None
        self._reports = reports
        self.pid = int(reports.recv(16))

    def poll(self) -> int | None:
        """Return the exit status; None while the process is running."""
        return self._exit_status_within(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process ends; return the exit status.

        Raises:
            subprocess.TimeoutExpired: the process did not end within the timeout.
        """
        code = self._exit_status_within(timeout)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.args, timeout)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _exit_status_within(self, timeout: float | None) -> int | None:
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
        arguments: name and arguments of the command.
        environment: environment variables of the process.
        folder: working directory.
        stdout: a file, or `subprocess.PIPE`.
        stderr: a file; a pipe is not supported.
        fresh: start an interpreter instead of forking, for tests of the start.
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
    argv = [sys.executable, str(BIN / command), *arguments[1:]]
    call = json.dumps([argv, dict(environment), str(folder)]).encode()
    assert len(call) < _MAX_CALL_BYTES
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
    """Run a command and wait for it.

    Raises:
        subprocess.TimeoutExpired: the command did not end within the timeout and was killed.
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
    """Start the process that forks for each call of a command; it ends with this process."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _MAX_CALL_BYTES)
    padding = "-" * _PROC_BYTES
    with its:
        template = subprocess.Popen(
            [sys.executable, "-P", __file__, command, str(its.fileno()), padding],
            env=os.environ | _FOR_GRPC[command] | {"PADDING": padding},
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
        )

    def end() -> None:
        ours.close()
        template.wait()

    atexit.register(end)
    return ours


def _serve(calls: socket.socket) -> None:
    """Fork for each call and return in the child; in the parent, report the exit status of each child."""
    reporting: dict[int, tuple[int, int]] = {}
    waited = select.poll()
    waited.register(calls, select.POLLIN)
    while True:
        for descriptor, _ in waited.poll():
            if descriptor != calls.fileno():
                waited.unregister(descriptor)
                _report_end(descriptor, *reporting.pop(descriptor))
                continue
            call, files, _, _ = socket.recv_fds(calls, _MAX_CALL_BYTES, 3)
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
    with suppress(BrokenPipeError):  # the calling process has ended
        os.write(reporting, str(os.waitstatus_to_exitcode(status)).encode())
    os.close(reporting)
    os.close(pidfd)


def _take_over(call: bytes, files: Sequence[int]) -> None:
    """Apply arguments, environment, folder and files to this process."""
    argv, environment, folder = json.loads(call)
    os.dup2(files[0], 1)
    os.dup2(files[1], 2)
    os.closerange(3, _MAX_DESCRIPTORS)
    sys.argv = argv[1:]
    os.environ.clear()
    _show_in_proc(argv, [f"{name}={value}" for name, value in environment.items()])
    os.environ.update(environment)
    os.chdir(folder)
    if argv[1].endswith("sweep-agent"):  # its startup module has recorded the environment of the template
        inherited: dict[str, str] = import_module("sweepd_agent.startup").INHERITED
        inherited.clear()
        inherited.update(environment)
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def _show_in_proc(arguments: Iterable[str], environment: Iterable[str]) -> None:
    """Show arguments and environment in /proc, by writing to the memory that /proc reads."""
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
            for name in _LAZY_IMPORTS:
                import_module(name)
        case "sweepd":
            import_module("sweepd_kernel.process.up").load_services()
    gc.collect()
    gc.freeze()  # otherwise garbage collection at exit would write to, and so copy, all pages


if __name__ == "__main__":
    called = sys.argv[1]
    main = import_module(_MAINS[called]).main
    _load(called)
    _serve(socket.socket(fileno=int(sys.argv[2])))
    sys.exit(main())
