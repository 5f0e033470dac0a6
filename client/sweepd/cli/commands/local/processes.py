"""Processes that a command starts, including the server, and handling of signals such as Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Self

from sweepd.cli.exit_code import ExitCode
from sweepd.cli.failures import Problem
from sweepd.cli.output.formats import note
from sweepd.cli.settings import Settings, connect
from sweepd.errors import INSTALL_SERVER, ClientError
from sweepd.rpc.discovery import BrokenContextsError, NoContextError, NoServerError
from sweepd.views.text import clean

if TYPE_CHECKING:
    from sweepd.client import Client


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_REPEAT_SECONDS = 0.01


class Interrupts:
    """Context manager that turns the first signal into a KeyboardInterrupt; for the main thread only."""

    def __init__(self) -> None:
        self._shielded = 0
        self._waiting = False
        self._raised = False
        self._closed = False
        self._hook = sys.unraisablehook

    def __enter__(self) -> Self:
        for number in (*SIGNALS, signal.SIGALRM):
            signal.signal(number, self._on_signal)
        self._hook, sys.unraisablehook = sys.unraisablehook, self._on_unraisable
        return self

    def __exit__(self, *details: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = self._hook
        for number in (*SIGNALS, signal.SIGALRM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    @property
    def interrupted(self) -> bool:
        """True once a signal has been received."""
        return self._raised or self._waiting

    def close(self) -> None:
        """Stop raising KeyboardInterrupt."""
        self._closed = True

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Delay signals until the end of the block, so that each started process is recorded first."""
        self._shielded += 1
        try:
            yield
        finally:
            self._shielded -= 1
            if self._waiting:
                self._raise()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._waiting = True
        self._raise()

    def _on_unraisable(self, what: sys.UnraisableHookArgs) -> None:
        """Repeat the KeyboardInterrupt if Python has dropped it, as in an import callback."""
        if what.exc_type is not KeyboardInterrupt:
            self._hook(what)
            return
        self._raised = False
        signal.setitimer(signal.ITIMER_REAL, _REPEAT_SECONDS)

    def _raise(self) -> None:
        if not (self._shielded or self._raised or self._closed):
            self._raised = True
            raise KeyboardInterrupt


class SignalBox:
    """Context manager that collects signals until `take` returns them; for the main thread only."""

    def __init__(self) -> None:
        self._kept: list[signal.Signals] = []

    def __enter__(self) -> Self:
        for number in SIGNALS:
            signal.signal(number, lambda received, frame: self._kept.append(signal.Signals(received)))
        return self

    def __exit__(self, *details: object) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    def take(self) -> list[signal.Signals]:
        """Return the signals received since the last call."""
        taken, self._kept = self._kept, []
        return taken


Process = subprocess.Popen[bytes]
_READY_PREFIX = "sweepd ready "


def program(name: str) -> str:
    """Return the path of a command that this distribution installs.

    Raises:
        Problem: the command is not installed.
    """
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise Problem(message=f"the command {name} is not installed", next_step=INSTALL_SERVER)
    return found


def start(
    command: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> Process:
    """Start a command that gets SIGTERM when this process ends (Linux), but no Ctrl-C from the terminal."""
    wrapper = [sys.executable, "-m", "sweepd.cli.commands.local.parent_death_signal", str(os.getpid())]
    return subprocess.Popen(
        [*wrapper, *command],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        process_group=0,
    )


def end(process: Process, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """End a process: send each signal and wait for its number of seconds, then send SIGKILL."""
    for number, seconds in signals:
        if process.poll() is not None:
            return
        send(process, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if process.poll() is None:
        process.kill()
        process.wait()


def send(process: Process, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        process.send_signal(number)


def ready_address(server: Process, log: Path, *, seconds: float) -> str:
    """Wait until `sweepd up` serves; return the address of its gateway.

    Raises:
        Problem: the server ended, or was not ready in time.
    """
    assert server.stdout is not None
    deadline = time.monotonic() + seconds
    received = b""
    while time.monotonic() < deadline:
        readable, _, _ = select.select([server.stdout], [], [], 0.2)
        if readable:
            received += (piece := os.read(server.stdout.fileno(), 4096))
            if not piece:
                break
        for line in received.decode("utf-8", "replace").splitlines():
            if line.startswith(_READY_PREFIX):
                words = line.removeprefix(_READY_PREFIX).split(" ")
                fields = dict(word.partition("=")[::2] for word in words)
                if "data" in fields:  # `data` follows `grpc`, so the address is complete
                    return fields["grpc"]
    raise Problem(message="the server did not start", cause=last_lines(log, 1))


def last_lines(file: Path, count: int) -> str:
    """Return the last `count` lines of a file, joined into one line; empty if the file cannot be read."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return " | ".join(text.splitlines()[-count:])


def agent_event(line: str) -> dict[str, object] | None:
    """Return the event in a line of an agent's log; None for any other line."""
    try:
        event: object = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


_START_SECONDS = 60.0
_RUNNING = re.compile(r"grpc=(?P<gateway>\S+) data=(?P<data>.+)")
_IN_USE = re.compile(r"(?P<data>.+) is in use by process \d+, a server at (?P<gateway>\S+)")


def find_or_start(settings: Settings) -> Client:
    """Return a client of the running server; if none runs, start one in the background.

    If a flag, the environment or a context names a server, no other server is used.

    Raises:
        ClientError: the server in a flag or the environment does not answer, or a server rejects the token.
        NoServerError: the context does not exist, or the contexts cannot be read.
        Problem: no server could be started.
    """
    found = _answering_client(settings)
    if found is not None:
        return found
    note("No server is running here; starting one: sweepd up -d")
    cause = _start_server()
    found = _answering_client(settings)
    if found is None:
        raise Problem(
            message="a server is running, but it is not the one that this account is configured to use",
            cause=clean(cause),
            next_step=start_remedy(cause),
            exit_code=ExitCode.UNREACHABLE,
            status="UNAVAILABLE",
        )
    note(f"The server at {found.address} keeps running: `sweepd down` stops it.")
    return found


def _answering_client(settings: Settings) -> Client | None:
    named = settings.server or settings.environ.get("SWEEPD_ADDRESS")
    try:
        client = connect(settings)
    except (NoContextError, BrokenContextsError):
        raise  # a server was named, but its address is unknown
    except NoServerError:
        return None
    try:
        client.server_info()
    except BaseException as error:
        client.close()
        silent = isinstance(error, ClientError) and error.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED")
        if named or not silent:
            raise
        return None
    return client


def _start_server() -> str:
    """Start a server unless one is running; return the output of `sweepd up -d`."""
    try:
        result = subprocess.run(
            [program("sweepd"), "up", "-d"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Problem(
            message="the server did not start in time",
            next_step="run `sweepd up` in the foreground to see its output",
        ) from error
    if result.returncode != 0:
        lines = (result.stderr or result.stdout).strip().splitlines()
        cause = clean(lines[-1].removeprefix("error: ")) if lines else ""
        raise Problem(message="the server could not be started", cause=cause, next_step=start_remedy(cause))
    return result.stdout.strip()


def start_remedy(cause: str) -> str:
    """Return the next step for the user if `sweepd up -d` failed with `cause`."""
    held = _IN_USE.search(cause) or _RUNNING.search(cause)
    if held is not None:
        token_file = shlex.quote(f"{held['data']}/access-token")
        return f"use that server: --server {held['gateway']} --token-file {token_file}"
    if cause.startswith("cannot write"):
        return "start it with another data folder, then retry: `sweepd up -d --data DIR`"
    if cause.startswith("cannot listen"):
        return "start it on a free port, then retry: `sweepd up -d --listen 127.0.0.1:0`"
    return "run `sweepd up` in the foreground to see its output"
