"""Output of the command `sweepd`: answers on stdout, everything else on stderr."""

import sys
from contextlib import suppress
from typing import TextIO


def answer(line: str) -> None:
    """Write a line of the result to stdout, and flush it."""
    _write(sys.stdout, line)


def remark(line: str) -> None:
    """Write a message to stderr."""
    _write(sys.stderr, line)


def complain(why: str) -> None:
    """Write a one-line error to stderr."""
    remark(f"error: {why}")


def _write(stream: TextIO, line: str) -> None:
    # A closed pipe, or a full disk below a log, must not end the server.
    with suppress(OSError):
        stream.write(f"{line}\n")
        stream.flush()
