"""Background of `sweepd up -d`, and the pipe on which its launcher learns the outcome."""

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sweepd.private_files import make_folder
from sweepd_kernel.console import answer, complain
from sweepd_kernel.errors import StartError
from sweepd_kernel.process.data_folder import DataInUseError


@dataclass(slots=True)
class Launcher:
    """Pipe to the process that waits for the daemon to be ready."""

    descriptor: int

    def ready(self, line: str) -> None:
        """Report that the daemon is ready; `line` is printed there."""
        self._report(f"ready {line}")

    def failed(self, reason: str) -> None:
        """Report why it is not."""
        self._report(f"failed {reason}")

    def held(self, reason: str) -> None:
        """Report that another server holds the data."""
        self._report(f"held {reason}")

    def close(self) -> None:
        """Close the pipe; in a forked child only its own end."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _report(self, line: str) -> None:
        if self.descriptor >= 0:
            os.write(self.descriptor, line.encode())
            self.close()


def detach(log: Path, daemon: Callable[[Launcher], int]) -> int:
    """Run `daemon` in the background, all output in `log`; return once it is ready, or with 1 and its error.

    Raises:
        DataInUseError: another server holds the data.
        StartError: the log cannot be written.
    """
    try:
        make_folder(log.parent)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise StartError(f"cannot write {log}: {error.strerror}") from None
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _become_daemon(output)
        code = 1
        try:
            code = daemon(Launcher(writer))
        except BaseException:  # noqa: BLE001 (nothing may unwind into the launcher's stack)
            traceback.print_exc()
        finally:
            with suppress(OSError):  # the log may be on a full disk
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)
    os.close(writer)
    os.close(output)
    with os.fdopen(reader, "rb") as stream:
        word, _, text = stream.read().decode().partition(" ")
    if word == "ready":
        answer(text)
        return 0
    os.waitpid(pid, 0)
    if word == "held":
        raise DataInUseError(text)
    complain(text or f"the server ended at its start; {log} says more")
    return 1


def _become_daemon(output: int) -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)
