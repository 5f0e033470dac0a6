"""Attributes that sweeps and runs share as `wandb.Api()` shows them."""

from __future__ import annotations

from sweepd.objects.sweep import StoredRun, Sweep
from sweepd.script.attribute_errors import MissingAttributes


class ApiRecord(MissingAttributes):
    """Names, state and card."""

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
