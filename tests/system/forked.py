"""Runs `sweepctl` in processes forked from one that has it loaded: a start costs more than most of its calls.

Each call is a process with arguments, environment, folder and output of its own, as if it had been started;
only the start of the interpreter and the imports are shared. Not for a verb that starts processes itself.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

_MOST_BYTES = 200_000
"""Of one call: its arguments and its environment."""
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
"""What modules of verbs import at their first use."""


def sweepctl(
    arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run it to its end.

    Raises:
        subprocess.TimeoutExpired: it had not ended by then, and was killed.
    """
    call = json.dumps([["sweepctl", *arguments], dict(environment), str(folder)]).encode()
    assert len(call) < _MOST_BYTES
    with ExitStack() as stack:
        out, err = [stack.enter_context(os.fdopen(os.memfd_create(name), "rb")) for name in ("out", "err")]
        told, telling = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stack.enter_context(told)
        with telling:
            socket.send_fds(_original(), [call], [out.fileno(), err.fileno(), telling.fileno()])
        pid = int(told.recv(16))
        told.settimeout(timeout)
        try:
            code = int(told.recv(16))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(["sweepctl", *arguments], timeout) from None
        out.seek(0)
        err.seek(0)
        shown, told_people = out.read().decode(), err.read().decode()
        return subprocess.CompletedProcess(["sweepctl", *arguments], code, shown, told_people)


@cache
def _original() -> socket.socket:
    """Start the process that is forked for each call; it ends with this one."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _MOST_BYTES)
    with its:
        command = [sys.executable, "-P", __file__, str(its.fileno())]
        original = subprocess.Popen(command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)

    def end() -> None:
        ours.close()
        original.wait()

    atexit.register(end)
    return ours


def _be_called(calls: socket.socket) -> None:
    """Return once for each call, in a process that is about to carry it out."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        call, files, _, _ = socket.recv_fds(calls, _MOST_BYTES, 3)
        if not call:
            os._exit(0)
        if os.fork() == 0:
            calls.close()
            out, err, telling = files
            _tell_of_a_child(telling)
            os.dup2(out, 1)
            os.dup2(err, 2)
            sys.argv, environment, folder = json.loads(call)
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            return
        for file in files:
            os.close(file)


def _tell_of_a_child(telling: int) -> None:
    """Return in a child; the parent reports its process id, then its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(telling)
        return
    os.write(telling, str(pid).encode())
    _, status = os.waitpid(pid, 0)
    os.write(telling, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _load() -> None:
    """Import what verbs import once they are called."""
    for module in walk_packages(import_module("sweepd.cli").__path__, "sweepd.cli."):
        import_module(module.name)
    for name in _LATER:
        import_module(name)
    gc.collect()
    gc.freeze()  # each process would look all of it through, and so copy it, once more when it ends


if __name__ == "__main__":
    from sweepd.cli.main import main

    _load()
    _be_called(socket.socket(fileno=int(sys.argv[1])))
    sys.exit(main())
