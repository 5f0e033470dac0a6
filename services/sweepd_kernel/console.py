"""Output of the command `sweepd`: answers on stdout, everything else on stderr."""

import sys
from contextlib import suppress
from typing import TextIO


def answer(line: str) -> None:
    """Write a line for programs to stdout, and flush it."""
    _write(sys.stdout, line)


def remark(line: str) -> None:
    """Write a line for people to stderr."""
    _write(sys.stderr, line)


def complain(why: str) -> None:
    """Write a one-line error to stderr."""
    remark(f"error: {why}")


def _write(stream: TextIO, line: str) -> None:
    # A closed reader or a full disk of the log must not end the server.
    with suppress(OSError):
        stream.write(f"{line}\n")
        stream.flush()
