"""Runs a short command to find something out: bounded in time and output, and never with a say in the run."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_PIECE = 64 * 1024
_LEAST = 19
_living: "set[subprocess.Popen[bytes]]" = set()


class CommandFailedError(Exception):
    """It gave no answer; the message says why. `code`: the one that it has ended with, if that is why."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Standard output of a command; `cut`: there was more than was wanted."""

    content: bytes
    cut: bool


def output_of(
    arguments: Sequence[str],
    *,
    environ: Mapping[str, str],
    limit: int,
    timeout: float,
    cwd: str | None = None,
) -> Output:
    """Return what a command prints, at most `limit` bytes of it, within `timeout` seconds.

    Raises:
        CommandFailedError: it cannot be started, fails, or takes longer.
    """
    try:
        process = subprocess.Popen(
            arguments,
            env=dict(environ),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise CommandFailedError(f"{arguments[0]}: {getattr(error, 'strerror', None) or error}") from error
    _living.add(process)
    with contextlib.suppress(OSError):  # it has ended, or this system has no such thing
        os.setpriority(os.PRIO_PROCESS, process.pid, _LEAST)  # runs go first
    try:
        content, cut = _read(process, limit, time.monotonic() + timeout)
        if not cut and (code := process.wait(timeout=5.0)):
            raise CommandFailedError(f"{arguments[0]} has ended with code {code}", code)
    except (TimeoutError, subprocess.TimeoutExpired) as error:
        raise CommandFailedError(f"{arguments[0]} gave no answer in time") from error
    finally:
        _living.discard(process)
        if process.returncode is None:
            _kill(process)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    return Output(content=content, cut=cut)


def end_all() -> None:
    """Leave nothing of it behind: the program ends, and whoever waits for an answer with it."""
    for process in tuple(_living):
        if process.returncode is None:
            _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a command with what it has started itself; it was not waited for, so its number is its own."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def _read(process: "subprocess.Popen[bytes]", limit: int, deadline: float) -> tuple[bytes, bool]:
    assert process.stdout is not None
    pieces: list[bytes] = []
    room = limit
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while room >= 0:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise TimeoutError
            piece = os.read(process.stdout.fileno(), _PIECE)
            if not piece:
                return b"".join(pieces), False
            pieces.append(piece)
            room -= len(piece)
    return b"".join(pieces)[:limit], True
