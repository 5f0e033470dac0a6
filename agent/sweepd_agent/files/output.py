"""Copy of a run's output to the standard output of the agent, if requested.

The reader, such as a pager, may stall; a separate thread writes to it, so that only the copy is delayed.
"""

import asyncio
import codecs
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from sweepd.regular_files import IrregularFileError, open_inside
from sweepd_agent.core.attempt import AttemptKey
from sweepd_agent.log import Log
from sweepd_agent.surroundings import Surroundings

_CHUNK = 256 * 1024
_DRAIN_DEADLINE = 2.0


class OutputCopy:
    """Copier of the log file of one attempt; `thread` has one worker, so that pieces keep their order."""

    def __init__(self, file: Path, log: Log, thread: Executor, form: Callable[[bytes], bytes]) -> None:
        self._file = file
        self._log = log
        self._thread = thread
        self._form = form
        self._shown = 0
        self._copying: asyncio.Future[None] | None = None

    def show_more(self) -> None:
        """Start to copy new output, unless a copy is in progress."""
        if self._copying is None or self._copying.done():
            self._begin()

    async def show_rest(self) -> None:
        """Copy the rest; give up after `_DRAIN_DEADLINE` seconds if the reader stalls."""
        await asyncio.wait({self._begin()}, timeout=_DRAIN_DEADLINE)

    def _begin(self) -> "asyncio.Future[None]":
        self._copying = asyncio.get_running_loop().run_in_executor(self._thread, self._copy)
        self._copying.add_done_callback(self._complain)
        return self._copying

    def _copy(self) -> None:
        try:
            with os.fdopen(open_inside(self._file.parent, self._file.name), "rb") as file:
                file.seek(self._shown)
                while content := file.read(_CHUNK):
                    self._shown += len(content)
                    piece = self._form(content)
                    while piece:
                        piece = piece[os.write(sys.stdout.fileno(), piece) :]
        except (FileNotFoundError, IrregularFileError):
            return

    def _complain(self, copied: "asyncio.Future[None]") -> None:
        """Log once if the output cannot be shown; a closed reader does not affect the run."""
        if not copied.cancelled() and (error := copied.exception()) is not None:
            self._log.once("output", f"cannot show the output of runs: {error}")


def copy_of_output(key: AttemptKey, file: Path, around: Surroundings) -> OutputCopy | None:
    """Return the copier of one attempt's output; None if no copy was requested."""
    if around.output is None:
        return None
    form = _as_json(key) if around.output_as_json else bytes
    return OutputCopy(file, around.log, around.output, form)


def _as_json(key: AttemptKey) -> Callable[[bytes], bytes]:
    """Return a function that formats output as JSON lines; it keeps a split character for its next call."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def form(content: bytes) -> bytes:
        piece = {"run": key.run, "attempt": key.attempt, "text": decoder.decode(content)}
        return f"{json.dumps(piece)}\n".encode("ascii")

    return form
