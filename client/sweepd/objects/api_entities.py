"""Counterparts of the runs, files and sweeps of W&B's `Api`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self, TextIO

from sweepd import v1
from sweepd.calls import metrics
from sweepd.calls.wire import iterate
from sweepd.errors import InvalidError, NotFoundError
from sweepd.objects.download import place_of, save
from sweepd.objects.results import History
from sweepd.objects.sweep import StoredRun, Sweep
from sweepd.private_files import make_folder
from sweepd.script.errors import MissingAttributes
from sweepd.spec.point import Json
from sweepd.spec.wording import nearest

_SAMPLES = 500


class ApiRecord(MissingAttributes):
    """Base class of sweeps and runs, with their names, state, and card for notebooks."""

    def __init__(self, record: Sweep | StoredRun) -> None:
        self._record = record

    @property
    def id(self) -> str:
        """Id of the sweep or run."""
        return self._record.id

    @property
    def entity(self) -> str:
        """Entity of the sweep or run."""
        return self._record.entity

    @property
    def project(self) -> str:
        """Project of the sweep or run."""
        return self._record.project

    @property
    def path(self) -> list[str]:
        """Entity, project and id."""
        return self._record.name.split("/")

    @property
    def state(self) -> str:
        """State, for example `running`, `finished`, `failed`, `crashed`, `killed` or `stopped`."""
        return self._record.state

    @property
    def url(self) -> None:
        """None: sweeps and runs have no web page here."""

    def to_html(self, *_: object, **__: object) -> str:
        """Return the card for notebooks as HTML."""
        return self._record.html()

    def _repr_html_(self) -> str:
        return self._record.html()

    def __repr__(self) -> str:
        return f"<{type(self).__name__.removeprefix('Api')} {self._record.name} ({self.state})>"


if TYPE_CHECKING:
    import pandas as pd


def _read_only_error(name: str) -> InvalidError:
    return InvalidError(f"{name}: a stored run is read-only; set its values in its script")


class ApiSummary(dict[str, object]):
    """Read-only summary of a stored run."""

    @property
    def _json_dict(self) -> dict[str, object]:
        """Copy as a plain dictionary; W&B's examples use this private name."""
        return dict(self)

    def update(self, *_: object, **__: object) -> NoReturn:
        """Reject the change.

        Raises:
            InvalidError: always.
        """
        raise _read_only_error("summary.update()")


class ApiRun(ApiRecord):
    """Counterpart of the run that `wandb.Api().run()` returns; `run` is the underlying `StoredRun`."""

    def __init__(self, run: StoredRun, *, has_details: bool = False) -> None:
        super().__init__(run)
        self.run = run
        self._summary: ApiSummary | None = None
        self._has_details = has_details

    @property
    def name(self) -> str:
        """Display name; by default the id."""
        return self.run.display_name or self.run.id

    display_name = name

    @property
    def tags(self) -> list[str]:
        """Tags of the run."""
        return self.run.tags

    @property
    def notes(self) -> str | None:
        """Notes of the run."""
        return self._with_details().notes

    @property
    def group(self) -> str | None:
        """Name of the run group, set by the script; None if unset."""
        return self._details.group or None

    @property
    def job_type(self) -> str | None:
        """Kind of run, set by the script; None if unset."""
        return self._details.job_type or None

    @property
    def config(self) -> dict[str, Json]:
        """Configuration: the parameters, and the values that the script added."""
        return self._with_details().config

    rawconfig = config

    @property
    def summary(self) -> ApiSummary:
        """Summary, with the aggregates of `define_metric`; cached until `load` is called."""
        if self._summary is None:
            self._summary = ApiSummary(self.run.summary())
        return self._summary

    summary_metrics = summary

    @property
    def created_at(self) -> str | None:
        """Time of creation in UTC, as RFC 3339 text; None if unknown."""
        time = self.run.create_time
        return None if time is None else time.isoformat()

    @property
    def sweep_name(self) -> str | None:
        """Id of the sweep; None for a standalone run."""
        return self.run.sweep_name and self.run.sweep_name.rpartition("/")[2]

    @property
    def sweep(self) -> ApiSweep | None:
        """Sweep of the run; None for a standalone run."""
        sweep = self.run.sweep()
        return None if sweep is None else ApiSweep(sweep)

    @property
    def lastHistoryStep(self) -> int:  # noqa: N802 (W&B's name)
        """Last step with a row; -1 if there is none."""
        return max(self.run.history().steps, default=-1)

    def history(
        self,
        samples: int = _SAMPLES,
        keys: list[str] | None = None,
        x_axis: str = "_step",
        pandas: bool = True,
        stream: str = "default",
    ) -> pd.DataFrame | list[dict[str, object]]:
        """Return sampled rows with `_step` and `_timestamp`, as a data frame or as a list.

        Raises:
            InvalidError: the axis is not `_step`, or the stream is not `default`.
        """
        if x_axis != "_step":
            raise InvalidError(f"the axis of a history must be _step, not {x_axis!r}")
        if stream != "default":
            raise InvalidError(
                f"system metrics are not part of this history; `sweepctl history {self.run.name} "
                "--system` has them"
            )
        rows = _wandb_rows(self.run.history(keys, max_points=samples))
        if not pandas:
            return rows
        from sweepd.objects.frames import columns_of, to_pandas

        names = dict.fromkeys(name for row in rows for name in row)
        complete_rows = [{name: row.get(name) for name in names} for row in rows]
        return to_pandas(columns_of(complete_rows, {}))

    def scan_history(
        self,
        keys: list[str] | None = None,
        page_size: int = 1000,
        min_step: int = 0,
        max_step: int | None = None,
        use_cache: bool = True,
    ) -> Iterator[dict[str, object]]:
        """Yield all logged rows; with `keys`, only the rows that have all of these keys.

        Args:
            keys: keys of the values to include.
            page_size: no effect.
            min_step: first step.
            max_step: step after the last one.
            use_cache: no effect.
        """
        history = self.run.history(keys)
        for step, row in zip(history.steps, _wandb_rows(history), strict=True):
            if (
                step >= min_step
                and (max_step is None or step < max_step)
                and all(key in row for key in keys or ())
            ):
                yield row

    def files(self, names: list[str] | None = None, per_page: int = 50) -> list[ApiFile]:
        """Return the files of the run, or those in `names`, sorted by name. `per_page` has no effect."""
        return [file for file in files_of(self.run) if not names or file.name in names]

    def file(self, name: str) -> ApiFile:
        """Return a file of the run.

        Raises:
            NotFoundError: there is no file of this name.
        """
        found = files_of(self.run)
        for file in found:
            if file.name == name:
                return file
        near = nearest(name, [file.name for file in found])
        raise NotFoundError(f"{self.run.name} has no file {name}{f'; did you mean {near}?' if near else ''}")

    def load(self, force: bool = False) -> Self:
        """Update this object from the server and return it."""
        self.run.refresh()
        self._summary, self._has_details = None, True
        return self

    def wait_until_finished(self) -> None:
        """Wait until the run has ended, in any state."""
        self.run.wait(check=False)
        self.load()

    def update(self, *_: object, **__: object) -> NoReturn:
        """Reject the change.

        Raises:
            InvalidError: always.
        """
        raise _read_only_error("update()")

    save = update

    def delete(self, *_: object, **__: object) -> NoReturn:
        """Reject the deletion.

        Raises:
            InvalidError: always.
        """
        raise InvalidError("delete(): not supported; a server keeps its runs")

    @property
    def _details(self) -> v1.RunDetails:
        return self._with_details()._message.details  # noqa: SLF001 (of the same package)

    def _with_details(self) -> StoredRun:
        """Return the run with all details; fetch the run if it came from a list, which omits some."""
        if not self._has_details:
            self.run.refresh()
            self._has_details = True
        return self.run


class ApiSweep(ApiRecord):
    """Counterpart of the sweep that `wandb.Api().sweep()` returns; `sweep` is the underlying `Sweep`."""

    def __init__(self, sweep: Sweep) -> None:
        super().__init__(sweep)
        self.sweep = sweep

    @property
    def name(self) -> str:
        """Display name; by default the id."""
        return self.sweep.display_name or self.sweep.id

    @property
    def state(self) -> str:
        """State in upper-case letters, as in W&B; FINISHED also for a stopped sweep."""
        return "FINISHED" if self.sweep.state == "stopped" else self.sweep.state.upper()

    @property
    def config(self) -> dict[str, object]:
        """Configuration of the sweep."""
        return self.sweep.config

    @property
    def order(self) -> str | None:
        """Order by the objective: `+summary_metrics.loss`, with `-` to maximize; None without a metric."""
        sign = "-" if self.sweep.goal == "maximize" else "+"
        return f"{sign}summary_metrics.{self.sweep.metric}" if self.sweep.metric else None

    @property
    def expected_run_count(self) -> int | None:
        """Planned number of runs; None if the sweep is unbounded."""
        return self.sweep.planned_runs

    @property
    def runs(self) -> list[ApiRun]:
        """Runs of the sweep."""
        return [ApiRun(run) for run in self.sweep.runs()]

    def best_run(self, order: str | None = None) -> ApiRun | None:
        """Return the best run by the objective; None while no run has a value.

        Raises:
            InvalidError: `order` differs from the order by the objective.
        """
        if order is not None and order != self.order:
            raise InvalidError(f"best_run uses the objective of the sweep, {self.order!r}, not {order!r}")
        best = self.sweep.best()
        return None if best is None else ApiRun(best)

    def load(self, force: bool = False) -> Self:
        """Update this object from the server and return it."""
        self.sweep.refresh()
        return self


def _wandb_rows(history: History) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for index, step in enumerate(history.steps):
        time = history.times[index]
        values = {key: value for key in history if (value := history[key][index]) is not None}
        rows.append({"_step": step, "_timestamp": None if time is None else time.timestamp(), **values})
    return rows


class ApiFile(MissingAttributes):
    """File of a run: saved by the script, part of media or an artifact, or recorded by the agent."""

    def __init__(self, run: StoredRun, message: v1.RunFile) -> None:
        self._run = run
        self._message = message

    @property
    def name(self) -> str:
        """Path of the file, relative to the files of the run."""
        return self._message.name

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self._message.size_bytes

    @property
    def url(self) -> None:
        """None: files have no web page."""

    def download(self, root: str | Path = ".", replace: bool = False, exist_ok: bool = False) -> TextIO:
        """Download the file to its path below a folder; return the downloaded file, opened as text.

        Args:
            root: folder for the download.
            replace: whether to replace an existing file.
            exist_ok: whether to return an existing file unchanged.

        Raises:
            ValueError: the file exists, its name points outside the folder, or it changed meanwhile.
            NotFoundError: the content was not uploaded from the machine of the run.
        """
        if self._message.left_out:
            here = f"the content of {self.name} of {self._run.name}"
            raise NotFoundError(f"{here} was not uploaded: {self._message.left_out}")
        folder = Path(root)
        make_folder(folder)
        place = place_of(folder, self.name)
        if place.exists() and not (replace or exist_ok):
            raise ValueError(f"{place} already exists: pass replace=True to replace it")
        if replace or not place.exists():
            wire = self._run._wire  # noqa: SLF001 (of the same package)
            save(place, iterate(metrics.read_file(wire, self._run.name, self.name)), self._message.digest)
        return place.open(encoding="utf-8", errors="replace")

    def __repr__(self) -> str:
        return f"<File {self.name} ({self.size} bytes)>"


def files_of(run: StoredRun) -> list[ApiFile]:
    """Return the files of a run, sorted by name."""
    return [ApiFile(run, each) for each in iterate(metrics.files(run._wire, run.name))]  # noqa: SLF001
