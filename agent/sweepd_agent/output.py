"""Copies what a run prints to the agent's own standard output, where that was asked for."""

import sys
from pathlib import Path

from sweepd_agent.log import Log


class OutputCopy:
    """Follows the log file of one attempt."""

    def __init__(self, file: Path, log: Log) -> None:
        self._file = file
        self._log = log
        self._shown = 0

    def show_more(self) -> None:
        """Copy what is new; a reader that is gone is no matter of the run."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._shown)
                content = file.read()
        except FileNotFoundError:
            return
        self._shown += len(content)
        try:
            sys.stdout.write(content.decode(errors="replace"))
            sys.stdout.flush()
        except OSError as error:
            self._log.once("output", f"cannot show the output of runs: {error}")
