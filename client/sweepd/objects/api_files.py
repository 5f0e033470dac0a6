"""Files of a stored run as W&B's `Api` spells them."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from sweepd import v1
from sweepd.calls import metrics
from sweepd.calls.wire import iterate
from sweepd.errors import NotFoundError
from sweepd.objects.download import place_of, save
from sweepd.objects.sweep import StoredRun
from sweepd.private_files import make_folder
from sweepd.script.errors import MissingAttributes


class ApiFile(MissingAttributes):
    """A file of a run: what its script saved, media and artifacts, and what its agent has recorded."""

    def __init__(self, run: StoredRun, message: v1.RunFile) -> None:
        self._run = run
        self._message = message

    @property
    def name(self) -> str:
        """Its path among the files of the run."""
        return self._message.name

    @property
    def size(self) -> int:
        """Bytes."""
        return self._message.size_bytes

    @property
    def url(self) -> None:
        """None: there is no page to show."""

    def download(self, root: str | Path = ".", replace: bool = False, exist_ok: bool = False) -> TextIO:
        """Bring it into a folder, below which it keeps its path; return it open, as text.

        Args:
            root: the folder.
            replace: whether it may take the place of a file that is there.
            exist_ok: whether a file that is there is returned as it is.

        Raises:
            ValueError: a file is there already, or the name leads out of the folder.
            NotFoundError: its content stayed on the machine of its run.
        """
        if self._message.left_out:
            here = f"the content of {self.name} of {self._run.name}"
            raise NotFoundError(f"{here} stayed on its machine: {self._message.left_out}")
        folder = Path(root)
        make_folder(folder)
        place = place_of(folder, self.name)
        if place.exists() and not (replace or exist_ok):
            raise ValueError(f"{place} is there already: say replace=True to have it replaced")
        if replace or not place.exists():
            wire = self._run._wire  # noqa: SLF001 (of the same package)
            save(place, iterate(metrics.read_file(wire, self._run.name, self.name)), self._message.digest)
        return place.open(encoding="utf-8", errors="replace")

    def __repr__(self) -> str:
        return f"<File {self.name} ({self.size} bytes)>"


def files_of(run: StoredRun) -> list[ApiFile]:
    """Return the files of a run, by name."""
    return [ApiFile(run, each) for each in iterate(metrics.files(run._wire, run.name))]  # noqa: SLF001
