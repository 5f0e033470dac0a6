"""The objects as W&B's `Api` spells them, where that is simple; what it has beyond that is not here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from sweepd.errors import InvalidError
from sweepd.objects.client import Client
from sweepd.objects.history import History
from sweepd.objects.stored_run import StoredRun
from sweepd.objects.sweep import Sweep
from sweepd.spec.point import Json

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd

_SAMPLES = 500


class Api:
    """`wandb.Api()` for scripts that read sweeps and runs; new code is better off with `Client`.

    Paths are `entity/project/id`, `project/id` or `id`; a `sweeps` or `runs` in the middle is passed over.
    """

    def __init__(self, overrides: dict[str, str] | None = None, *, timeout: float | None = None) -> None:
        """Choose a server, as `Client` does.

        Args:
            overrides: `base_url` is the server as HOST:PORT, `entity` and `project` complete short paths.
            timeout: taken, without effect.
        """
        given = dict(overrides or {})
        self._client = Client(given.get("base_url"))
        self._entity, self._project = given.get("entity"), given.get("project")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def sweep(self, path: str) -> ApiSweep:
        """Return a sweep."""
        return ApiSweep(self._client.sweep(self._path(path)))

    def run(self, path: str) -> ApiRun:
        """Return a run."""
        return ApiRun(self._client.run(self._path(path)), is_whole=True)

    def runs(self, path: str | None = None, *, per_page: int = 50) -> Iterator[ApiRun]:
        """Yield the runs of a project, of its sweeps and by themselves, the newest first.

        Args:
            path: `entity/project`, or `project`; else that of the overrides.
            per_page: taken, without effect.

        Raises:
            InvalidError: no project is named.
        """
        entity, _, project = (path or "").strip("/").rpartition("/")
        entity = entity or self._entity or os.environ.get("SWEEPD_ENTITY") or "local"
        project = project or self._project or ""
        if not project:
            raise InvalidError("no project: write runs('entity/project')")
        return (ApiRun(run) for run in self._client.runs(f"{entity}/{project}"))

    def flush(self) -> None:
        """Do nothing: nothing is kept here."""

    def _path(self, path: str) -> str:
        parts = [part for part in path.strip("/").split("/") if part]
        if len(parts) == 4 and parts[2] in ("sweeps", "runs"):
            del parts[2]
        if not parts or len(parts) > 3:
            raise InvalidError(f"no path: {path!r}; write entity/project/id")
        if len(parts) == 1 and self._project:
            parts.insert(0, self._project)
        if len(parts) == 2 and self._entity:
            parts.insert(0, self._entity)
        return "/".join(parts)


class _Named:
    """What a sweep and a run have in common as `wandb.Api()` shows them."""

    def __init__(self, shown: Sweep | StoredRun) -> None:
        self._shown = shown

    @property
    def id(self) -> str:
        """Its id."""
        return self._shown.id

    @property
    def entity(self) -> str:
        """Its entity."""
        return self._shown.entity

    @property
    def project(self) -> str:
        """Its project."""
        return self._shown.project

    @property
    def path(self) -> list[str]:
        """Entity, project and id."""
        return self._shown.name.split("/")

    @property
    def state(self) -> str:
        """Its state: of a run `running`, `finished`, `failed`, `crashed`, `killed` or `stopped`."""
        return self._shown.state

    @property
    def url(self) -> None:
        """None: there is no page to show."""

    def to_html(self, *_: object, **__: object) -> str:
        """Return the card that notebooks show."""
        return self._shown.html()

    def _repr_html_(self) -> str:
        return self._shown.html()

    def __repr__(self) -> str:
        return f"<{type(self).__name__.removeprefix('Api')} {self._shown.name} ({self.state})>"


class ApiSweep(_Named):
    """A sweep as `wandb.Api().sweep()` shows it. `sweep` is the same one as `Sweep`."""

    def __init__(self, sweep: Sweep) -> None:
        super().__init__(sweep)
        self.sweep = sweep

    @property
    def name(self) -> str:
        """The name for people, else the id."""
        return self.sweep.display_name or self.sweep.id

    @property
    def state(self) -> str:
        """Its state, in upper-case letters as there: a stopped sweep is FINISHED, one that waits PENDING."""
        return "FINISHED" if self.sweep.state == "stopped" else self.sweep.state.upper()

    @property
    def config(self) -> dict[str, object]:
        """Its configuration."""
        return self.sweep.config

    @property
    def order(self) -> str | None:
        """By which runs are ordered: `+summary_metrics.loss`, a minus for the greatest first."""
        sign = "-" if self.sweep.goal == "maximize" else "+"
        return f"{sign}summary_metrics.{self.sweep.metric}" if self.sweep.metric else None

    @property
    def expected_run_count(self) -> int | None:
        """Runs that there will be; None: unbounded."""
        return self.sweep.planned_runs

    @property
    def runs(self) -> list[ApiRun]:
        """Its runs."""
        return [ApiRun(run) for run in self.sweep.runs()]

    def best_run(self, order: str | None = None) -> ApiRun | None:
        """Return the best run by the objective; None before there is one.

        Raises:
            InvalidError: another order is asked for.
        """
        if order is not None and order != self.order:
            raise InvalidError(f"best_run goes by the objective of the sweep, {self.order!r}, not {order!r}")
        best = self.sweep.best()
        return None if best is None else ApiRun(best)

    def load(self, force: bool = False) -> Self:
        """Ask the server how it stands."""
        self.sweep.refresh()
        return self


class ApiRun(_Named):
    """A run as `wandb.Api().run()` shows it. `run` is the same one as `StoredRun`."""

    def __init__(self, run: StoredRun, *, is_whole: bool = False) -> None:
        super().__init__(run)
        self.run = run
        self._summary: dict[str, object] | None = None
        self._is_whole = is_whole

    @property
    def name(self) -> str:
        """The name that its script gave it, else its id."""
        return self.run.display_name or self.run.id

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return self._whole().tags

    @property
    def notes(self) -> str | None:
        """Its notes."""
        return self._whole().notes

    @property
    def config(self) -> dict[str, Json]:
        """Its configuration: the parameters, and what its script has added."""
        return self._whole().config

    @property
    def summary(self) -> dict[str, object]:
        """Its summary, by `define_metric` too, as it was when first asked for; `load` asks again."""
        if self._summary is None:
            self._summary = self.run.summary()
        return self._summary

    @property
    def created_at(self) -> str | None:
        """When it was created, RFC 3339 in UTC."""
        time = self.run.create_time
        return None if time is None else time.isoformat()

    def history(
        self,
        samples: int = _SAMPLES,
        keys: list[str] | None = None,
        x_axis: str = "_step",
        pandas: bool = True,
    ) -> pd.DataFrame | list[dict[str, object]]:
        """Return what it has logged, thinned, with `_step` and `_timestamp`: a frame, or a list of rows.

        Raises:
            InvalidError: another axis than `_step` is asked for.
        """
        if x_axis != "_step":
            raise InvalidError(f"the axis of a history is _step, not {x_axis!r}")
        rows = _wandb_rows(self.run.history(keys, max_points=samples))
        if not pandas:
            return rows
        from sweepd.objects.columns import columns_of
        from sweepd.objects.frames import to_pandas

        names = dict.fromkeys(name for row in rows for name in row)
        whole = [{name: row.get(name) for name in names} for row in rows]
        return to_pandas(columns_of(whole, {}))

    def scan_history(self, keys: list[str] | None = None) -> Iterator[dict[str, object]]:
        """Yield all that it has logged, row by row; with `keys` only the rows that have all of them."""
        for row in _wandb_rows(self.run.history(keys)):
            if all(key in row for key in keys or ()):
                yield row

    def load(self, force: bool = False) -> Self:
        """Ask the server how it stands."""
        self.run.refresh()
        self._summary, self._is_whole = None, True
        return self

    def _whole(self) -> StoredRun:
        """Return the run with what lists leave out."""
        if not self._is_whole:
            self.run.refresh()
            self._is_whole = True
        return self.run


def _wandb_rows(history: History) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for index, step in enumerate(history.steps):
        time = history.times[index]
        values = {key: value for key in history if (value := history[key][index]) is not None}
        rows.append({"_step": step, "_timestamp": None if time is None else time.timestamp(), **values})
    return rows
