"""Edits of a specification: from the options of a call to a message and its mask. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls.edited import edited
from sweepd.codec import point_from_message
from sweepd.spec.point import Json

if TYPE_CHECKING:
    from google.protobuf.field_mask_pb2 import FieldMask

_TAG = re.compile(r"tags\[(\d+)\]")
_OPTIONS = {"run_cap": "--run-cap", "name": "--name", "description": "--description", "tags": "--tag"}


def option_of(field: str, edited: v1.Sweep) -> str:
    """Return what a person typed for a field of a request, by its path there: `--tag nightly`."""
    path = field.removeprefix("sweep.spec.")
    tag = _TAG.fullmatch(path)
    if tag is not None and int(tag[1]) < len(edited.spec.tags):
        return f"--tag {shlex.quote(edited.spec.tags[int(tag[1])])}"
    key, _, inner = path.partition(".")
    if key == "metadata":
        return f"--metadata {inner}".rstrip()
    return _OPTIONS.get(path, field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Changes to a sweep; None and empty: no change.

    Args:
        run_cap: a number, or "none" for no bound.
        name: the display name.
        description: the display text.
        tags: to be added, behind those that there are.
        no_tags: to be taken away.
        metadata: entries to be set.
        no_metadata: entries to be taken away.
    """

    run_cap: int | str | None = None
    name: str | None = None
    description: str | None = None
    tags: Sequence[str] = ()
    no_tags: Sequence[str] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)
    no_metadata: Sequence[str] = ()

    def __bool__(self) -> bool:
        texts = (self.run_cap, self.name, self.description)
        lists = (self.tags, self.no_tags, self.metadata, self.no_metadata)
        return any(text is not None for text in texts) or any(lists)

    def of(self, sweep: v1.Sweep) -> tuple[v1.Sweep, FieldMask]:
        """Return the sweep with the new values, and the mask that names them.

        Raises:
            InvalidError: metadata that no message can carry.
        """
        return edited(sweep.name, self._changes(sweep.spec))

    def _changes(self, before: v1.SweepSpec) -> dict[str, object]:
        """Return the new values of the fields that change."""
        changes: dict[str, object] = {}
        if self.run_cap is not None:
            changes["run_cap"] = self.run_cap if isinstance(self.run_cap, int) else None
        if self.name is not None:
            changes["name"] = self.name
        if self.description is not None:
            changes["description"] = self.description
        if self.tags or self.no_tags:
            kept = [tag for tag in before.tags if tag not in self.no_tags]
            changes["tags"] = list(dict.fromkeys([*kept, *self.tags]))
        if self.metadata or self.no_metadata:
            known = point_from_message(before.metadata)
            entries = {key: item for key, item in known.items() if key not in self.no_metadata}
            changes["metadata"] = {**entries, **self.metadata}
        return changes
