"""Warnings to the author of a script; they never stop the training."""

import sys
from contextlib import suppress


class Notices:
    """Warnings of a run, at most one for each subject."""

    def __init__(self) -> None:
        self._subjects: set[str] = set()

    def once(self, subject: str, text: str) -> None:
        """Log `text` as a warning of the logger `sweepd`, unless `subject` already had a warning."""
        if subject in self._subjects:
            return
        self._subjects.add(subject)
        say(text)


def print_line(line: str) -> None:
    """Print a line to stderr, if stderr is open."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # closed, or its disk is full
            sys.stderr.write(line)


def say(text: str) -> None:
    """Log `text` as a warning of the logger `sweepd`."""
    import logging  # takes as long to import as all of `sweepd`; most runs give no warning

    with suppress(Exception):  # handlers may fail, for example on a closed terminal
        logging.getLogger("sweepd").warning("sweepd: %s", text)
