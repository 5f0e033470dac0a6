"""Rows and columns of tables: dotted paths, filters, sorting, and points with groups flattened."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import ge, gt, le, lt

from sweepd.errors import invalid
from sweepd.spec.point import Json
from sweepd.views.text import cell, clean

Row = dict[str, Json]

_CONDITION = re.compile(r"([^=!<>~]+)(<=|>=|!=|==|=|<|>|~)(.*)", re.DOTALL)
_COMPARE = {"<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Filters, order and limit of rows; a leading minus in `sort` means descending."""

    filters: Sequence[str] = ()
    sort: str | None = None
    limit: int | None = None

    @property
    def paths(self) -> list[str]:
        """Paths that the filters and the order use."""
        order = [] if self.sort is None else [self.sort.removeprefix("-")]
        return [*(_condition(text).path for text in self.filters), *order]

    @property
    def bound(self) -> int | None:
        """Maximum number of rows to read; None if all rows are needed."""
        return None if self.filters or self.sort is not None else self.limit

    def of(self, rows: Iterable[Row], aliases: Mapping[str, str] | None = None) -> list[Row]:
        """Return the chosen rows; `aliases` maps names in the filters and the order to paths."""
        paths = aliases or {}
        conditions = [
            replace(condition, path=paths.get(condition.path, condition.path))
            for condition in map(_condition, self.filters)
        ]
        chosen: list[Row] = []
        for row in rows:
            if all(condition.holds(row) for condition in conditions):
                chosen.append(row)
                if self.sort is None and self.limit is not None and len(chosen) >= self.limit:
                    break
        if self.sort is not None:
            path = self.sort.removeprefix("-")
            chosen = _sorted(chosen, paths.get(path, path), greatest_first=self.sort.startswith("-"))
        return chosen if self.limit is None else chosen[: self.limit]


def rows_of(value: Json) -> list[Row]:
    """Return the objects in a list; for any other value, an empty list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def lookup(row: Json, path: str) -> Json:
    """Return the value at a dotted path, None if there is none; the keys themselves may contain dots."""
    if not isinstance(row, dict):
        return None
    if path in row:
        return row[path]
    for end in (match.start() for match in re.finditer(r"\.", path)):
        if path[:end] in row:
            found = lookup(row[path[:end]], path[end + 1 :])
            if found is not None:
                return found
    return None


def has(row: Json, path: str) -> bool:
    """Return True if a row has a value at a dotted path, even if the value is null."""
    if not isinstance(row, dict):
        return False
    heads = [path[: match.start()] for match in re.finditer(r"\.", path)]
    return path in row or any(head in row and has(row[head], path[len(head) + 1 :]) for head in heads)


def may_have(row: Row, path: str) -> bool:
    """Return True if a path is in a row, or leads into an object that is null or empty in this row."""
    if path in row:
        return True
    heads = [path[: match.start()] for match in re.finditer(r"\.", path)]
    return any(head in row and _may_contain(row[head], path[len(head) + 1 :]) for head in heads)


def paths(row: Row) -> Iterator[str]:
    """Yield the paths of a row; an object comes before its members."""
    for name, value in row.items():
        yield name
        if isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner in paths(value))


def _may_contain(value: Json, path: str) -> bool:
    return value is None or value == {} or (isinstance(value, dict) and may_have(value, path))


@dataclass(frozen=True, slots=True)
class _Condition:
    path: str
    operator: str
    wanted: str

    def holds(self, row: Row) -> bool:
        value = lookup(row, self.path)
        # A list, such as tags, matches if one of its items matches.
        items: list[Json] = value if isinstance(value, list) else [value]
        if self.operator == "~":
            return any(self.wanted.lower() in _plain(item).lower() for item in items)
        if self.operator in ("=", "==", "!="):
            return any(map(self._equals, [*items, value])) is (self.operator != "!=")
        compare = _COMPARE[self.operator]
        number, wanted = _number(value), _number(self.wanted)
        if number is not None and wanted is not None:
            return bool(compare(number, wanted))
        return value is not None and bool(compare(_plain(value), self.wanted))

    def _equals(self, value: Json) -> bool:
        number, wanted = _number(value), _number(self.wanted)
        if number is not None and wanted is not None:
            return number == wanted
        return _plain(value) == self.wanted


def _condition(text: str) -> _Condition:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise invalid(f"not a filter: {text!r}", "write NAME=VALUE, with =, !=, <, <=, >, >= or ~ (contains)")
    return _Condition(match[1].strip(), match[2], match[3].strip())


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _plain(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _sorted(rows: list[Row], path: str, *, greatest_first: bool) -> list[Row]:
    """Sort rows, numbers before texts, or the reverse; rows without a value always come last."""
    having = [row for row in rows if lookup(row, path) is not None]
    lacking = [row for row in rows if lookup(row, path) is None]

    def key(row: Row) -> tuple[int, float, str]:
        value = lookup(row, path)
        number = _number(value)
        return (0, number, "") if number is not None else (1, 0.0, _plain(value))

    return sorted(having, key=key, reverse=greatest_first) + lacking


@dataclass(frozen=True, slots=True)
class Column:
    """Column of a table.

    Args:
        heading: heading in lower case.
        path: dotted path of the value in the JSON; may be empty in a `Field`, for the value of the field.
        show: function that returns the text of a value.
        at: position among the columns of an entity, from the left.
        wide: show the column only in wide output.
        composed: True if the column is for people only: CSV omits it, and its path is not a column name.
        null: True to show null as a value, and a dash only for a missing value.
        long: True if values may have any length, such as free text; tables may cut them.
        spare: order in which a narrow terminal drops columns: greatest first; 0: never.
        whole: function that returns the text for a row; replaces `show`.
        plain: function that converts a value for CSV.
    """

    heading: str
    path: str = ""
    show: Callable[[Json], str] = cell
    at: int = 0
    wide: bool = False
    composed: bool = False
    null: bool = False
    long: bool = False
    spare: int = 0
    whole: Callable[[Row], str] | None = None
    plain: Callable[[Json], Json] | None = None

    def text(self, row: Row) -> str:
        """Return the text of a row in this column."""
        if self.whole is not None:
            return self.whole(row)
        value = lookup(row, self.path)
        if value is None and not (self.null and has(row, self.path)):
            return cell(None)
        return self.show(value)

    def csv_value(self, row: Row) -> Json:
        """Return the CSV value of a row in this column."""
        value = lookup(row, self.path)
        return value if self.plain is None or value is None else self.plain(value)


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def point(params: Json) -> str:
    """Return a point on one line: `lr=0.01 opt.kind=adam`."""
    return " ".join(_entries(params)) if isinstance(params, dict) else "-"


def point_lines(params: Json) -> str:
    """Return a point with one parameter per line; a dash if it is empty."""
    return "\n".join(_entries(params)) if isinstance(params, dict) and params else "-"


def shown_param(value: Json) -> str:
    """Return the text of a parameter's value; null is a value, unlike a missing parameter."""
    return "null" if value is None else cell(value)


def param_paths(points: Iterable[Json]) -> list[str]:
    """Return the sorted dotted parameter names of points; expand a name if all its values are groups."""
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
    """Return a column for each parameter of points, including those in groups."""
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
    """Return True if a value looks like a group: a non-empty object whose keys are all names."""
    return isinstance(value, dict) and bool(value) and all(map(_NAME.fullmatch, value))
