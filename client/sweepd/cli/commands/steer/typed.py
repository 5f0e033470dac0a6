"""Parsing of points, values and changes of a sweep that are typed on the command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, Union

from sweepd import v1
from sweepd.calls.sweeps import edited
from sweepd.cli.failures import Problem, usage_problem
from sweepd.codec.values import point_from_message
from sweepd.spec.loading.loader import read_value, read_values
from sweepd.spec.point import Json, Point
from sweepd.spec.wording import nearest
from sweepd.views.text import clean

Names: TypeAlias = Mapping[str, Union["Names", None]]
"""Parameters of a sweep by name: None for a plain parameter, the names of its members for a group."""
_TAG = re.compile(r"tags\[(\d+)\]")
_OPTIONS = {"run_cap": "--run-cap", "name": "--name", "description": "--description", "tags": "--tag"}


def names_of(spec: v1.SweepSpec) -> Names:
    """Return the names of the parameters that a point of the sweep may have."""
    if spec.parameters:
        return _names(spec.parameters)
    listed: dict[str, Json] = {}
    for message in spec.listed_points:
        listed.update(point_from_message(message))
    return dict.fromkeys(listed)


def typed_value(word: str) -> tuple[str, Json]:
    """Return the name and the value of `NAME=VALUE`.

    Raises:
        Problem: the word is not `NAME=VALUE`, or the value cannot be parsed.
    """
    name, equals, text = word.partition("=")
    if not equals or not name:
        raise usage_problem(f"not NAME=VALUE: {word!r}", next_step="write NAME=VALUE, such as lr=0.01")
    try:
        return name, read_value(text)
    except ValueError as error:
        raise usage_problem(f"{name}: not readable as a value: {error}") from error


def typed_words(words: Sequence[str], option: str) -> dict[str, Json]:
    """Return the values of all words of an option, by name.

    Raises:
        Problem: a word is not `NAME=VALUE`, a value cannot be parsed, or a name is given twice.
    """
    values: dict[str, Json] = {}
    for name, value in map(typed_value, words):
        if name in values:
            raise usage_problem(f"{option} {clean(name)}: given twice", next_step="give each name once")
        values[name] = value
    return values


def typed_values(text: str, where: str) -> dict[str, Json]:
    """Return the values of a mapping in JSON or YAML.

    Raises:
        Problem: the text is not a mapping.
    """
    try:
        return read_values(text)
    except ValueError as error:
        raise usage_problem(f"{where}: {error}") from error


def assembled(names: Names, values: Sequence[tuple[str, Json]]) -> Point:
    """Return the point with these values; a later value replaces an earlier one.

    A name is a parameter of the sweep, or a dotted path to a parameter within groups.

    Raises:
        Problem: some names are not parameters; the message lists all of them.
    """
    point: Point = {}
    unknown: list[str] = []
    for name, value in values:
        path = _path(names, name)
        if path is None:
            unknown.append(name)
        else:
            _put(point, names, path, value)
    if unknown:
        raise _unknown_parameters(unknown, list(_dotted(names, "")))
    return point


def _put(point: dict[str, Json], names: Names, path: Sequence[str], value: Json) -> None:
    """Set a value at a path; merge a mapping into a group entry by entry."""
    name, *rest = path
    inner = names.get(name)
    if inner is None or not (rest or isinstance(value, dict)):
        point[name] = value
        return
    group = point.setdefault(name, {})
    if not isinstance(group, dict):  # an earlier value replaced the whole group
        group = point[name] = {}
    if rest:
        _put(group, inner, rest, value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _put(group, inner, _path(inner, key) or [key], item)


def _path(names: Names, name: str) -> list[str] | None:
    """Return the path to a parameter; a dot may be part of a name or separate a group from a member."""
    if name in names:
        return [name]
    for end, sign in enumerate(name):
        inner = names.get(name[:end]) if sign == "." else None
        if inner is not None and (rest := _path(inner, name[end + 1 :])) is not None:
            return [name[:end], *rest]
    return None


def _unknown_parameters(unknown: Sequence[str], legal: Sequence[str]) -> Problem:
    listed = []
    for name in unknown:
        near = nearest(name, legal)
        listed.append(f"{clean(name)}" + (f" (did you mean `{near}`?)" if near else ""))
    shown = ", ".join(legal[:20]) + (", …" if len(legal) > 20 else "")
    return usage_problem(
        f"not a parameter of the sweep: {', '.join(listed)}", next_step=f"one of {shown}" if legal else ""
    )


def _dotted(names: Names, outer: str) -> Iterator[str]:
    for name, inner in names.items():
        if inner is None:
            yield f"{outer}{name}"
        else:
            yield from _dotted(inner, f"{outer}{name}.")


def _names(parameters: Sequence[v1.Parameter]) -> Names:
    return {
        parameter.name: _names(parameter.group.parameters)
        if parameter.WhichOneof("shape") == "group"
        else None
        for parameter in parameters
    }


if TYPE_CHECKING:
    from google.protobuf.field_mask_pb2 import FieldMask


def option_of(field: str, edited: v1.Sweep) -> str:
    """Return the option that sets a field, such as `--tag nightly`; if there is none, the path `field`."""
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
    """Changes to a sweep; None, or an empty list or mapping, means no change.

    Args:
        run_cap: a number, or "none" for unbounded.
        name: display name.
        description: description for people.
        tags: tags to append.
        no_tags: tags to remove.
        metadata: entries to set.
        no_metadata: keys of entries to remove.
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
        """Return a sweep with the new values, and the field mask of the changed fields.

        Raises:
            InvalidError: the metadata cannot be encoded in a message.
        """
        return edited(sweep.name, self._changes(sweep.spec))

    def _changes(self, before: v1.SweepSpec) -> dict[str, object]:
        """Return the new values by field."""
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
