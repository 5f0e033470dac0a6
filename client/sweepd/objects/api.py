"""Counterpart of the basic parts of W&B's `Api`: sweeps and runs of a server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from sweepd.errors import InvalidError
from sweepd.objects.api_entities import ApiRun, ApiSweep
from sweepd.objects.api_runs import ApiRuns
from sweepd.objects.client import Client
from sweepd.script.errors import MissingAttributes

Run, Runs, Sweep = ApiRun, ApiRuns, ApiSweep
"""Classes under the names that they have in `wandb.apis.public`."""


class Api(MissingAttributes):
    """Counterpart of `wandb.Api` for scripts that read sweeps and runs; new code should use `Client`.

    A path is `entity/project/id`, `project/id` or `id`; `sweeps` or `runs` before the id is ignored.
    """

    def __init__(
        self,
        overrides: dict[str, str] | None = None,
        timeout: float | None = None,
        api_key: str | None = None,
    ) -> None:
        """Choose a server, as `Client` does.

        Args:
            overrides: `base_url` is HOST:PORT of the server; `entity` and `project` complete short paths.
            timeout: no effect.
            api_key: no effect; the token is the default of `Client`.
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
        """Return the sweep with this path."""
        return ApiSweep(self._client.sweep(self._path(path)))

    def run(self, path: str) -> ApiRun:
        """Return the run with this path."""
        return ApiRun(self._client.run(self._path(path)), has_details=True)

    def runs(
        self,
        path: str | None = None,
        filters: Mapping[str, object] | None = None,
        order: str = "-created_at",
        per_page: int = 50,
        include_sweeps: bool = True,
        lazy: bool = True,
    ) -> ApiRuns:
        """Return the runs of a project, including standalone ones, by default the newest first.

        Args:
            path: `entity/project` or `project`. Default: the project in `overrides`.
            filters: MongoDB-style conditions on `state`, `display_name`, `tags`, `group`, `job_type`,
                `sweep`, `created_at`, `config.NAME` and `summary_metrics.KEY`. The client evaluates them
                for one run after the other.
            order: `+` (ascending) or `-` (descending), followed by one of these fields.
            per_page: no effect.
            include_sweeps: no effect; runs of sweeps are always included.
            lazy: no effect.

        Raises:
            InvalidError: the project is missing, or the filters or the order are not supported.
        """
        entity, _, project = (path or "").strip("/").rpartition("/")
        entity = entity or self.default_entity
        project = project or self._project or ""
        if not project:
            raise InvalidError("no project: write runs('entity/project')")
        runs = (ApiRun(run) for run in self._client.runs(f"{entity}/{project}"))
        return ApiRuns(runs, filters, order)

    def from_path(self, path: str) -> ApiSweep | ApiRun:
        """Return a sweep if `sweeps` is a part of the path, else a run."""
        return self.sweep(path) if "sweeps" in path.split("/") else self.run(path)

    @property
    def default_entity(self) -> str:
        """Entity that is used if a path has none."""
        return self._entity or os.environ.get("SWEEPD_ENTITY") or "local"

    def flush(self) -> None:
        """Do nothing: there is no cache."""

    def _path(self, path: str) -> str:
        parts = [part for part in path.strip("/").split("/") if part]
        if len(parts) == 4 and parts[2] in ("sweeps", "runs"):
            del parts[2]
        if not parts or len(parts) > 3:
            raise InvalidError(f"{path!r} is not a path; write entity/project/id")
        if len(parts) == 1 and self._project:
            parts.insert(0, self._project)
        if len(parts) == 2 and self._entity:
            parts.insert(0, self._entity)
        return "/".join(parts)
