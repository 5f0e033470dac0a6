"""Leaves word of what keeps a run from its server, as only its script has somebody who listens."""

import json
from contextlib import suppress
from pathlib import Path

from sweepd.regular_files import write_inside
from sweepd.script.folder.sync_failure import FILE, LEFT


class Trouble:
    """Of the run in a folder that a script has made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / FILE
        # What was left last; an earlier attempt may have left something, too.
        self._why: str | None = None

    def note(self, server: str, why: str) -> None:
        """Leave word of why the run cannot be brought in, once; an empty `why`: it can.

        What the script has said it takes away.
        """
        if why == self._why:
            return
        self._why = why
        with suppress(OSError):  # the folder is gone, or its disk is full: `agent/log` has it as well
            if not why:
                self._file.unlink(missing_ok=True)
                return
            document = {"server": server or "the server", "folder": str(self._folder), "why": why}
            write_inside(self._file.parent, self._file.name, f"{json.dumps(document)}\n".encode())

    def leave(self) -> None:
        """Leave what the script has not said to the next one that begins a run beside it."""
        with suppress(OSError):
            self._file.replace(self._folder.parent / LEFT)
