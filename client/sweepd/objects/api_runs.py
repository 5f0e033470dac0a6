"""Counterpart of the run lists of W&B's `Api`, with MongoDB-style filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Final, overload

from sweepd.errors import InvalidError
from sweepd.objects.api_entities import ApiRun

Field = Callable[[str], object]
"""Function that returns the value of a run's field by its name; ABSENT if the run has no value."""

ABSENT: Final = object()

_ORDERS: Final = ("$gt", "$gte", "$lt", "$lte")
_NEWEST_FIRST: Final = ("-created_at", "-createdAt")
_FIELDS: Final = {
    "name": "id",
    "id": "id",
    "display_name": "name",
    "displayName": "name",
    "state": "state",
    "tags": "tags",
    "group": "group",
    "jobType": "job_type",
    "job_type": "job_type",
    "sweep": "sweep_name",
    "created_at": "created_at",
    "createdAt": "created_at",
}
_GROUPS: Final = {"config": "config", "summary_metrics": "summary", "summary": "summary"}


def matches(filters: Mapping[str, object], field: Field) -> bool:
    """Return True if a run satisfies all of `filters`.

    Raises:
        InvalidError: an operator or a field is unknown, or an operand is invalid.
    """
    return all(_is_satisfied(name, wanted, field) for name, wanted in filters.items())


def _is_satisfied(name: str, wanted: object, field: Field) -> bool:
    if name in ("$and", "$or", "$nor"):
        parts = [matches(_mapping(name, each), field) for each in _list_of(name, wanted)]
        return all(parts) if name == "$and" else any(parts) is (name == "$or")
    if name == "$not":
        return not matches(_mapping(name, wanted), field)
    if name.startswith("$"):
        raise InvalidError(f"filters: operator {name} is not supported here")
    value = field(name)
    if isinstance(wanted, Mapping) and any(str(key).startswith("$") for key in wanted):
        return all(_is_comparison_true(str(key), value, bound, wanted) for key, bound in wanted.items())
    return _equals(value, wanted)


def _is_comparison_true(word: str, value: object, bound: object, operators: Mapping[str, object]) -> bool:
    if word in _ORDERS:
        return any(_in_order(word, each, bound) for each in _each(value))
    match word:
        case "$eq":
            return _equals(value, bound)
        case "$ne":
            return not _equals(value, bound)
        case "$in":
            return any(_equals(value, each) for each in _list_of(word, bound))
        case "$nin":
            return not any(_equals(value, each) for each in _list_of(word, bound))
        case "$exists":
            return (value is not ABSENT) is bool(bound)
        case "$not":
            inner = _mapping(word, bound)
            return not all(_is_comparison_true(str(key), value, each, inner) for key, each in inner.items())
        case "$regex":
            found = _pattern(bound, str(operators.get("$options", "")))
            return any(isinstance(each, str) and found.search(each) is not None for each in _each(value))
        case "$options":
            return True
    raise InvalidError(f"filters: operator {word} is not supported here")


def _in_order(word: str, value: object, bound: object) -> bool:
    """Compare two numbers, or two texts such as times; return False for other values."""
    if isinstance(bound, datetime):
        bound = bound.isoformat()
    order: int
    match value, bound:
        case (int() | float() as left, int() | float() as right):
            order = (left > right) - (left < right)
        case (str() as first, str() as second):
            order = (first > second) - (first < second)
        case _:
            return False
    return {"$gt": order > 0, "$gte": order >= 0, "$lt": order < 0, "$lte": order <= 0}[word]


def _equals(value: object, wanted: object) -> bool:
    if isinstance(value, list) and not isinstance(wanted, list):
        return any(_equals(each, wanted) for each in value)
    if value is ABSENT:
        return wanted is None
    return value == wanted and isinstance(value, bool) is isinstance(wanted, bool)


def _each(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else (value,)


def _pattern(bound: object, options: str) -> re.Pattern[str]:
    try:
        return re.compile(str(bound), re.IGNORECASE if "i" in options else 0)
    except re.error as error:
        raise InvalidError(f"filters: $regex {bound!r} is not a valid pattern: {error}") from None


def _list_of(word: str, value: object) -> list[object]:
    if isinstance(value, list | tuple | set):
        return list(value)
    raise InvalidError(f"filters: {word} requires a list, not {type(value).__name__}")


def _mapping(word: str, value: object) -> Mapping[str, object]:
    if isinstance(value, Mapping):
        return value
    raise InvalidError(f"filters: {word} requires conditions, not {type(value).__name__}")


class ApiRuns:
    """Sequence of runs, fetched lazily; any order other than newest first fetches all runs at once."""

    def __init__(self, runs: Iterator[ApiRun], filters: Mapping[str, object] | None, order: str) -> None:
        """Create the sequence from runs that are sorted newest first.

        Args:
            runs: runs to choose from.
            filters: MongoDB-style conditions.
            order: `+` (ascending) or `-` (descending), followed by the name of a field.

        Raises:
            InvalidError: the order is not supported. Invalid filters raise this error when runs are read.
        """
        wanted = dict(filters or {})
        self._fetched: list[ApiRun] = []
        self._remaining: Iterator[ApiRun] = (run for run in runs if matches(wanted, partial(field_of, run)))
        self._cursor = 0
        if order not in _NEWEST_FIRST:
            self._fetched, self._remaining = _sorted_runs([*self._remaining], order), iter(())

    def __iter__(self) -> Iterator[ApiRun]:
        at = 0
        while self._has(at):
            yield self._fetched[at]
            at += 1

    def __next__(self) -> ApiRun:
        if not self._has(self._cursor):
            raise StopIteration
        self._cursor += 1
        return self._fetched[self._cursor - 1]

    def __len__(self) -> int:
        self._fetched.extend(self._remaining)
        return len(self._fetched)

    @overload
    def __getitem__(self, at: int) -> ApiRun: ...

    @overload
    def __getitem__(self, at: slice) -> list[ApiRun]: ...

    def __getitem__(self, at: int | slice) -> ApiRun | list[ApiRun]:
        last = at if isinstance(at, int) else at.stop
        if last is None or last < 0 or (isinstance(at, slice) and (at.start or 0) < 0):
            len(self)
        else:
            self._has(last)
        return self._fetched[at]

    def __repr__(self) -> str:
        return f"<Runs {len(self)}>"

    def _has(self, at: int) -> bool:
        while len(self._fetched) <= at:
            run = next(self._remaining, None)
            if run is None:
                return False
            self._fetched.append(run)
        return True


def field_of(run: ApiRun, name: str) -> object:
    """Return the value of a run's field, named as in filters and orders; ABSENT if the run has no value.

    Raises:
        InvalidError: runs have no such field.
    """
    if name in _FIELDS:
        value: object = getattr(run, _FIELDS[name])
        return ABSENT if value is None else value
    group, _, path = name.partition(".")
    if group not in _GROUPS or not path:
        known = ", ".join([*_FIELDS, "config.NAME", "summary_metrics.KEY"])
        raise InvalidError(f"runs have no field {name!r}; the fields are {known}")
    return _below(getattr(run, _GROUPS[group]), path.removesuffix(".value") if group == "config" else path)


def _below(values: object, path: str) -> object:
    """Return a value by its name, which may contain dots, or by a dotted path through groups."""
    if not isinstance(values, Mapping):
        return ABSENT
    if path in values:
        return values[path]
    first, _, rest = path.partition(".")
    return _below(values.get(first), rest) if rest else ABSENT


def _sorted_runs(runs: list[ApiRun], order: str) -> list[ApiRun]:
    """Return the runs sorted by a field; runs without the field come last."""
    name = order.lstrip("+-")
    found = [(field_of(run, name), run) for run in runs]
    present = [each for each in found if each[0] is not ABSENT]
    present.sort(key=lambda each: _sort_key(each[0]), reverse=order.startswith("-"))
    return [run for _, run in present] + [run for value, run in found if value is ABSENT]


def _sort_key(value: object) -> tuple[bool, float, str]:
    is_number = isinstance(value, int | float)
    return (
        not is_number,
        float(value) if isinstance(value, int | float) else 0.0,
        "" if is_number else str(value),
    )
