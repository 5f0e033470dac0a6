"""Where the command's words go: answers to stdout, all else to stderr."""

import sys


def answer(line: str) -> None:
    """Write a line that programs may read, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def remark(line: str) -> None:
    """Write a line for people."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def complain(why: str) -> None:
    """Write the one line that says what went wrong."""
    remark(f"error: {why}")
