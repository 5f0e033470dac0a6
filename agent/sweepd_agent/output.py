"""Copies what a run prints to the agent's own standard output, where that was asked for.

Who reads that may stall, as a pager does: a thread waits for it, and nothing but the copy is held up.
"""

import asyncio
import os
import sys
from concurrent.futures import Executor
from pathlib import Path

from sweepd_agent.log import Log

_CHUNK = 256 * 1024
_LAST_WORDS = 2.0


class OutputCopy:
    """Follows the log file of one attempt; `thread` has one worker, so that pieces keep their order."""

    def __init__(self, file: Path, log: Log, thread: Executor) -> None:
        self._file = file
        self._log = log
        self._thread = thread
        self._shown = 0
        self._copying: asyncio.Future[None] | None = None

    def show_more(self) -> None:
        """Have what is new copied; what comes meanwhile is copied the next time."""
        if self._copying is None or self._copying.done():
            self._begin()

    async def show_rest(self) -> None:
        """Copy all that there is, unless its reader stalls."""
        await asyncio.wait({self._begin()}, timeout=_LAST_WORDS)

    def _begin(self) -> "asyncio.Future[None]":
        self._copying = asyncio.get_running_loop().run_in_executor(self._thread, self._copy)
        self._copying.add_done_callback(self._complain)
        return self._copying

    def _copy(self) -> None:
        try:
            with self._file.open("rb") as file:
                file.seek(self._shown)
                while content := file.read(_CHUNK):
                    self._shown += len(content)
                    while content:
                        content = content[os.write(sys.stdout.fileno(), content) :]
        except FileNotFoundError:
            return

    def _complain(self, copied: "asyncio.Future[None]") -> None:
        """Say once that it cannot be shown; a reader that is gone is no matter of the run."""
        if not copied.cancelled() and (error := copied.exception()) is not None:
            self._log.once("output", f"cannot show the output of runs: {error}")
