"""`sweepctl` as a process, on a terminal of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

SWEEPCTL = [sys.executable, "-m", "sweepd.cli.main"]


def on_terminal(arguments: list[str], environ: dict[str, str], answer: bytes) -> tuple[int, str]:
    """Run `sweepctl` on a terminal of its own, type an answer; return its exit code and what it showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*SWEEPCTL, *arguments],
        env=environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        os.write(ours, answer)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
        return process.wait(10), shown.decode()
