"""Run `sweepctl` as a process on its own terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping

SWEEPCTL = [sys.executable, "-m", "sweepd.cli.main"]
# Makes the terminal the controlling one of the command; `pty.fork` is unsafe in a process with threads.
_CONTROLLED = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY); os.execv(sys.argv[1], sys.argv[1:])"
)


def on_terminal(
    arguments: list[str], environ: Mapping[str, str], answer: bytes, *, asked: bytes = b""
) -> tuple[int, str]:
    """Run `sweepctl` on its own terminal; return its exit code and everything that it displayed.

    Args:
        arguments: of the command.
        environ: of the command.
        answer: what is typed.
        asked: what is to be seen before that.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-ISc", _CONTROLLED, *SWEEPCTL, *arguments],
        env=environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            if answer and asked in shown:
                os.write(ours, answer)
                answer = b""
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
        return process.wait(10), shown.decode()
