"""Names of a run, and the step from which it resumes."""

import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sweepd.private_files import make_folder
from sweepd.script.folder.run_folder import RunFolder
from sweepd.script.media.artifact import Artifact
from sweepd.script.notices import Notices
from sweepd.script.rows import last_step
from sweepd.script.settings import RunOptions, Settings, tags

STEP_FILE = ".sweepd-step"


def saved_step(folder: Path) -> int | None:
    """Return the last step that the checkpoint covers; None if no step was recorded."""
    try:
        return int((folder / STEP_FILE).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def save_step(folder: Path, step: int) -> None:
    """Record durably that the checkpoint covers everything up to a step.

    Raises:
        OSError: the folder cannot be written.
    """
    make_folder(folder)
    fresh = folder / f"{STEP_FILE}.{os.getpid()}"
    with fresh.open("w", encoding="ascii") as file:
        file.write(f"{step}\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / STEP_FILE)


def has_content(folder: Path) -> bool:
    """Return True if the folder exists and is not empty."""
    try:
        return next(folder.iterdir(), None) is not None
    except OSError:
        return False


class RunNames:
    """Run with its names, its folders, and the step from which it resumes."""

    def __init__(self, folder: RunFolder, options: RunOptions) -> None:
        self._folder = folder
        self._options = options
        self._notices = Notices()
        self._start_time = time.time()
        self._name = options.name
        self._notes = options.notes
        self._tags = options.tags
        # Targets of saved files, by source; artifacts, by name.
        self._saved: dict[Path, Path] = {}
        self._artifacts: dict[str, Artifact] = {}
        checkpoint = folder.checkpoint_path
        # A standalone run gets another attempt only if the script asks to resume it.
        self._resumed = folder.attempt > 1 and (folder.standalone or has_content(checkpoint))
        self._resume_step = saved_step(checkpoint) if self._resumed else None
        self._last_step = self._resume_step
        if self._resumed and folder.standalone and self._last_step is None:
            self._last_step = last_step(folder.metrics_file)

    @property
    def id(self) -> str:
        """Id of the run, unique in its project."""
        return self._folder.run.rpartition("/")[2]

    @property
    def path(self) -> str:
        """Full name of the run, `entity/project/id`."""
        return self._folder.run

    @property
    def entity(self) -> str:
        """Entity of the run."""
        return self._folder.run.split("/")[0]

    @property
    def project(self) -> str:
        """Project of the run."""
        return self._folder.run.split("/")[1]

    @property
    def name(self) -> str:
        """Display name; by default the id."""
        return self._name or self.id

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = None if name is None else str(name)
        self._changed()

    @property
    def notes(self) -> str | None:
        """Notes of the script, in free text."""
        return self._notes

    @notes.setter
    def notes(self, notes: str | None) -> None:
        self._notes = None if notes is None else str(notes)
        self._changed()

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags; `run.tags += ("late",)` adds one."""
        return self._tags

    @tags.setter
    def tags(self, new: object) -> None:
        self._tags = tags(new)
        self._changed()

    @property
    def group(self) -> str:
        """Name of the group of the run; empty if the run has no group."""
        return self._options.group or ""

    @property
    def job_type(self) -> str:
        """Kind of run, such as `train`; empty if it is not set."""
        return self._options.job_type or ""

    @property
    def sweep_id(self) -> str | None:
        """Id of the sweep; None for a standalone run."""
        return self._folder.sweep and self._folder.sweep.rpartition("/")[2]

    @property
    def url(self) -> str | None:
        """None: scripts have no access to the server."""
        return None

    sweep_url = project_url = url

    def get_url(self) -> None:
        """Return None, like `url`; scripts for earlier versions of W&B call this method."""

    get_project_url = get_sweep_url = get_url

    def project_name(self) -> str:
        """Return the project; scripts for earlier versions of W&B call this method."""
        return self.project

    @property
    def attempt(self) -> int:
        """Number of this attempt of the run, from 1."""
        return self._folder.attempt

    @property
    def repeat(self) -> int:
        """Index among the runs of the same point, from 0; usable as a seed."""
        return self._folder.repeat

    @property
    def starting_step(self) -> int:
        """First step of this attempt: 0, or the step after the checkpoint from which it resumes.

        A resumed standalone run without a recorded checkpoint continues after its last row.
        """
        return 0 if self._last_step is None else self._last_step + 1

    @property
    def start_time(self) -> float:
        """Unix time in seconds at which the script began the run."""
        return self._start_time

    @property
    def mode(self) -> str:
        """Mode: online, offline or disabled."""
        return self._options.mode

    @property
    def offline(self) -> bool:
        """True if the run is stored only in its folder."""
        return self._options.mode == "offline"

    @property
    def disabled(self) -> bool:
        """True if the run stores nothing."""
        return self._options.mode == "disabled"

    @property
    def dir(self) -> str:
        """Folder for files of the run: files in it are stored with the run, including later changes."""
        with suppress(OSError):  # e.g. a full disk; the script then fails to open a file there
            make_folder(self._files)
        return str(self._files)

    @property
    def settings(self) -> Settings:
        """Settings with which the run began."""
        return self._options.settings()

    @property
    def resumed(self) -> bool:
        """True if an earlier attempt of the run has saved a checkpoint.

        For a standalone run, True whenever it is resumed.
        """
        return self._resumed

    @property
    def resume_step(self) -> int | None:
        """Last step that the checkpoint covers; None: start from the beginning."""
        return self._resume_step

    @property
    def _files(self) -> Path:
        """Folder of the run's files."""
        return self._folder.path / "files"

    def name_late(self, options: RunOptions) -> None:
        """Apply the names in the arguments of `init` to a run that began without `init`."""
        known = self._options
        self._options = replace(
            known, group=options.group or known.group, job_type=options.job_type or known.job_type
        )
        self._name = options.name or self._name
        self._notes = options.notes or self._notes
        self._tags = options.tags or self._tags
        self._changed()

    def name_as_before(self, earlier: "RunNames") -> None:
        """Copy names from an earlier run, except those that this run already has."""
        known = self._options
        self._options = replace(
            known,
            group=known.group or earlier.group or None,
            job_type=known.job_type or earlier.job_type or None,
        )
        self._name = self._name or earlier._name  # noqa: SLF001 (of the same class)
        self._notes, self._tags = self._notes or earlier.notes, self._tags or earlier.tags

    def _given_names(self) -> dict[str, object]:
        """Return the names that were set explicitly, None or empty for others."""
        return {
            "name": self._name,
            "tags": self._tags,
            "notes": self._notes,
            "group": self._options.group,
            "job_type": self._options.job_type,
        }

    def _changed(self) -> None:
        """Store a change of a name; subclasses override this method."""
