"""What a run is called and where it stands, as its script sees it."""

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sweepd.folders import make_folder
from sweepd.script import checkpoints
from sweepd.script.artifact import Artifact
from sweepd.script.folder import RunFolder
from sweepd.script.last_step import last_step
from sweepd.script.notices import Notices
from sweepd.script.settings import Settings, Wishes, tags


class RunNames:
    """The names of a run, and what was known of it when it was begun."""

    def __init__(self, folder: RunFolder, wishes: Wishes) -> None:
        self._folder = folder
        self._wishes = wishes
        self._notices = Notices()
        self._start_time = time.time()
        self._name = wishes.name
        self._notes = wishes.notes
        self._tags = wishes.tags
        # Files to be kept, and where; artifacts by name.
        self._saved: dict[Path, Path] = {}
        self._artifacts: dict[str, Artifact] = {}
        kept = folder.checkpoint_path
        # A run of its own is begun again only where that was asked for, so its script expects to go on.
        self._resumed = folder.attempt > 1 and (folder.own or checkpoints.holds_something(kept))
        self._resume_step = checkpoints.saved_step(kept) if self._resumed else None
        self._last_step = self._resume_step
        if self._resumed and folder.own and self._last_step is None:
            self._last_step = last_step(folder.metrics_file)

    @property
    def id(self) -> str:
        """The run's id, unique in its project."""
        return self._folder.run.rpartition("/")[2]

    @property
    def path(self) -> str:
        """The run's full name, `entity/project/id`."""
        return self._folder.run

    @property
    def entity(self) -> str:
        """Whose project it belongs to."""
        return self._folder.run.split("/")[0]

    @property
    def project(self) -> str:
        """The project that it belongs to."""
        return self._folder.run.split("/")[1]

    @property
    def name(self) -> str:
        """A name for people; the id until one is given."""
        return self._name or self.id

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = None if name is None else str(name)
        self._changed()

    @property
    def notes(self) -> str | None:
        """Free text about it."""
        return self._notes

    @notes.setter
    def notes(self, notes: str | None) -> None:
        self._notes = None if notes is None else str(notes)
        self._changed()

    @property
    def tags(self) -> tuple[str, ...]:
        """Its labels; `run.tags += ("late",)` adds one."""
        return self._tags

    @tags.setter
    def tags(self, new: object) -> None:
        self._tags = tags(new)
        self._changed()

    @property
    def group(self) -> str:
        """The group of runs that it was put in; empty: none."""
        return self._wishes.group or ""

    @property
    def job_type(self) -> str:
        """Which kind of run it was said to be; empty: none."""
        return self._wishes.job_type or ""

    @property
    def sweep_id(self) -> str | None:
        """The id of the sweep that the run belongs to, if it does to one."""
        return self._folder.sweep and self._folder.sweep.rpartition("/")[2]

    @property
    def url(self) -> str | None:
        """None: a script knows no server."""
        return None

    sweep_url = project_url = url

    def get_url(self) -> None:
        """Return None, as `url`; scripts for earlier versions of W&B call it."""

    get_project_url = get_sweep_url = get_url

    def project_name(self) -> str:
        """Return the project; scripts for earlier versions of W&B call it."""
        return self.project

    @property
    def attempt(self) -> int:
        """Which attempt at the run this is, counted from 1."""
        return self._folder.attempt

    @property
    def repeat(self) -> int:
        """Which of the runs of its point this is, counted from 0; a script may seed itself by it."""
        return self._folder.repeat

    @property
    def starting_step(self) -> int:
        """The step that counting began at: 0, or the one after the checkpoint that it resumed from.

        A run by hand that is gone on with and has noted no checkpoint goes on after its last row.
        """
        return 0 if self._last_step is None else self._last_step + 1

    @property
    def start_time(self) -> float:
        """Unix time in seconds at which the script began it."""
        return self._start_time

    @property
    def mode(self) -> str:
        """One of online, offline, disabled."""
        return self._wishes.mode

    @property
    def offline(self) -> bool:
        """Whether it was to keep to its folder."""
        return self._wishes.mode == "offline"

    @property
    def disabled(self) -> bool:
        """Whether it keeps nothing."""
        return self._wishes.mode == "disabled"

    @property
    def dir(self) -> str:
        """A folder for files: what is put there is kept with the run, as it is and as it changes."""
        with suppress(OSError):  # a full disk, say: opening a file in it tells
            make_folder(self._files)
        return str(self._files)

    @property
    def settings(self) -> Settings:
        """What it was begun with."""
        return self._wishes.settings()

    @property
    def resumed(self) -> bool:
        """Whether this is another attempt at the run, and an earlier one has left a checkpoint.

        A run by hand that is gone on with is resumed in any case.
        """
        return self._resumed

    @property
    def resume_step(self) -> int | None:
        """The last step that is in the checkpoint; None: begin from the beginning."""
        return self._resume_step

    @property
    def _files(self) -> Path:
        """Where the files of the run are kept."""
        return self._folder.path / "files"

    def name_late(self, wishes: Wishes) -> None:
        """Take the names that `init` gives to a run that had begun without it."""
        known = self._wishes
        self._wishes = replace(
            known, group=wishes.group or known.group, job_type=wishes.job_type or known.job_type
        )
        self._name = wishes.name or self._name
        self._notes = wishes.notes or self._notes
        self._tags = wishes.tags or self._tags
        self._changed()

    def name_as_before(self, earlier: "RunNames") -> None:
        """Take the names that the same run had, where it was given none now."""
        known = self._wishes
        self._wishes = replace(
            known,
            group=known.group or earlier.group or None,
            job_type=known.job_type or earlier.job_type or None,
        )
        self._name = self._name or earlier._name  # noqa: SLF001 (of the same class)
        self._notes, self._tags = self._notes or earlier.notes, self._tags or earlier.tags

    def _named(self) -> dict[str, object]:
        """Return what was said of its names."""
        return {
            "name": self._name,
            "tags": self._tags,
            "notes": self._notes,
            "group": self._wishes.group,
            "job_type": self._wishes.job_type,
        }

    def _changed(self) -> None:
        """Take note that a name has changed."""
