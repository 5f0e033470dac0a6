"""Processes that a command starts, and what Ctrl-C means to them."""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Self

from sweepd.cli.problem import Problem
from sweepd.installing import INSTALL_SERVER

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ONCE_MORE_AFTER = 0.01


class Interrupts:
    """Raises KeyboardInterrupt at the first signal, once, and not while shielded; for the main thread."""

    def __init__(self) -> None:
        self._shielded = 0
        self._waiting = False
        self._raised = False
        self._closed = False
        self._hook = sys.unraisablehook

    def __enter__(self) -> Self:
        for number in (*SIGNALS, signal.SIGALRM):
            signal.signal(number, self._on_signal)
        self._hook, sys.unraisablehook = sys.unraisablehook, self._lost
        return self

    def __exit__(self, *details: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = self._hook
        for number in (*SIGNALS, signal.SIGALRM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    @property
    def interrupted(self) -> bool:
        """True once a signal has come."""
        return self._raised or self._waiting

    def close(self) -> None:
        """Raise no more."""
        self._closed = True

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Put off a signal until the end of the block, so that what it begins is also recorded."""
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

    def _lost(self, what: "sys.UnraisableHookArgs") -> None:
        """Raise once more what came in a callback, as imports have them, where Python drops errors."""
        if what.exc_type is not KeyboardInterrupt:
            self._hook(what)
            return
        self._raised = False
        signal.setitimer(signal.ITIMER_REAL, _ONCE_MORE_AFTER)

    def _raise(self) -> None:
        if not (self._shielded or self._raised or self._closed):
            self._raised = True
            raise KeyboardInterrupt


class SignalBox:
    """Keeps signals until they are taken out; a context manager for the main thread."""

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
        """Return the signals that have come since the last time."""
        taken, self._kept = self._kept, []
        return taken


Process = subprocess.Popen[bytes]
_READY = "sweepd ready "


def program(name: str) -> str:
    """Return the path of a command of this distribution.

    Raises:
        Problem: it is not installed.
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
    """Start a command that does not outlive this process, and that no Ctrl-C of the terminal reaches."""
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
    """End a process: each signal in turn, with the seconds to wait after it; at last SIGKILL."""
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
    """Wait until `sweepd up` serves, and return the address of its gateway.

    Raises:
        Problem: it ended, or took too long.
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
            if line.startswith(_READY):
                fields = dict(field.partition("=")[::2] for field in line.removeprefix(_READY).split(" "))
                if "data" in fields:  # the line is whole, or near enough
                    return fields["grpc"]
    raise Problem(message="the server did not start", cause=last_lines(log, 1))


def last_lines(file: Path, count: int) -> str:
    """Return the last lines of a file, as one line."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return " | ".join(text.splitlines()[-count:])
