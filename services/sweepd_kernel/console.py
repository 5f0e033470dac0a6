"""Output of the command `sweepd`: answers to stdout, all else to stderr."""

import sys
from contextlib import suppress
from typing import TextIO


def answer(line: str) -> None:
    """Write a line that programs may read, at once."""
    _write(sys.stdout, line)


def remark(line: str) -> None:
    """Write a line for people."""
    _write(sys.stderr, line)


def complain(why: str) -> None:
    """Write the one line of an error."""
    remark(f"error: {why}")


def _write(stream: TextIO, line: str) -> None:
    # The reader has gone, or the disk of the log is full: no reason to end what runs.
    with suppress(OSError):
        stream.write(f"{line}\n")
        stream.flush()
