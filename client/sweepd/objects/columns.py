"""Columns of typed values, as frames want them: which kind of values a column has. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sweepd.objects.rows import Row

_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Column:
    """A named column; `kind` is text, int, float, bool or time, `mixed` for all else, `null` for nothing."""

    name: str
    kind: str
    values: list[object]


def columns_of(rows: Sequence[Row], known: Mapping[str, str]) -> list[Column]:
    """Return the columns of rows; `known` are those that are always there, each with its kind."""
    names = dict.fromkeys([*known, *(rows[0] if rows else ())])
    return [column(name, [row[name] for row in rows], known.get(name)) for name in names]


def column(name: str, values: list[object], kind: str | None = None) -> Column:
    """Return a column; its kind is that of all of its values.

    Whole numbers beside others are floats, unless one of them would lose digits. True is no number.
    """
    kind = kind or kind_of(values)
    if kind == "float":
        values = [float(value) if isinstance(value, int) else value for value in values]
    return Column(name, kind, values)


def kind_of(values: Iterable[object]) -> str:
    """Return the kind that all values have that are not None."""
    kinds: set[str] = set()
    exact = True
    for value in values:
        match value:
            case None:
                continue
            case bool():
                kinds.add("bool")
            case int():
                kinds.add("int")
                exact = exact and abs(value) <= _EXACT
            case float():
                kinds.add("float")
            case str():
                kinds.add("text")
            case datetime():
                kinds.add("time")
            case _:
                kinds.add("mixed")
    if not kinds:
        return "null"
    if kinds == {"int", "float"} and exact:
        return "float"
    return kinds.pop() if len(kinds) == 1 else "mixed"


def as_text(value: object) -> str | None:
    """Return a value of a mixed column as text: text as it is, all else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
