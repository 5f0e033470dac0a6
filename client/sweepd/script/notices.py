"""Tells the author of a script once what is wrong, and never stops the training for it."""

import sys
from contextlib import suppress


class Notices:
    """What a run has already complained of."""

    def __init__(self) -> None:
        self._subjects: set[str] = set()

    def once(self, subject: str, text: str) -> None:
        """Log `text` as a warning of the logger `sweepd`, the first time for this `subject`."""
        if subject in self._subjects:
            return
        self._subjects.add(subject)
        say(text)


def print_line(line: str) -> None:
    """Print a line to stderr, if there is one to print to."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # it was closed, or its disk is full
            sys.stderr.write(line)


def say(text: str) -> None:
    """Log `text` as a warning of the logger `sweepd`."""
    import logging  # takes as long as all of `sweepd`, and most runs have no complaint

    with suppress(Exception):  # of handlers: `logging` itself prints to a terminal that was closed
        logging.getLogger("sweepd").warning("sweepd: %s", text)
