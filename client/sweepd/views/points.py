"""Points as people see them: a group of parameters member by member, so that each value has its place."""

import re
from collections.abc import Iterable, Iterator, Mapping

from sweepd.spec.point import Json
from sweepd.views.rows import Column
from sweepd.views.text import cell, clean

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def point(params: Json) -> str:
    """Return a point on one line: `lr=0.01 opt.kind=adam`."""
    return " ".join(_entries(params)) if isinstance(params, dict) else "-"


def point_lines(params: Json) -> str:
    """Return a point, one parameter a line; a dash where there is none."""
    return "\n".join(_entries(params)) if isinstance(params, dict) and params else "-"


def shown_param(value: Json) -> str:
    """Return the value of a parameter; null is one, unlike a parameter that a point does not have."""
    return "null" if value is None else cell(value)


def param_paths(points: Iterable[Json]) -> list[str]:
    """Return the dotted names of the parameters of points, sorted: members where a name is always a group."""
    members: dict[str, list[Json]] = {}
    for each in points:
        if isinstance(each, dict):
            for name, value in each.items():
                members.setdefault(name, []).append(value)
    names: list[str] = []
    for name, values in members.items():
        if all(map(_is_group, values)):
            names += [f"{name}.{inner}" for inner in param_paths(values)]
        else:
            names.append(name)
    return sorted(names)


def param_columns(points: Iterable[Json]) -> list[Column]:
    """Return the columns for the parameters of points, those in groups one by one."""
    return [
        Column(name, f"params.{name}", shown_param, null=True, long=True, spare=1)
        for name in param_paths(points)
    ]


def _entries(params: Mapping[str, Json]) -> Iterator[str]:
    for name, value in params.items():
        if isinstance(value, dict) and _is_group(value):
            yield from (f"{clean(name)}.{entry}" for entry in _entries(value))
        else:
            yield f"{clean(name)}={shown_param(value)}"


def _is_group(value: Json) -> bool:
    """Tell whether a value looks like the members of a group; a deeper one may still be a value itself."""
    return isinstance(value, dict) and bool(value) and all(map(_NAME.fullmatch, value))
