"""Filters in the language of MongoDB, as far as scripts of W&B choose runs by them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from sweepd.errors import InvalidError

Field = Callable[[str], object]
"""Returns the value that a run has under a name; ABSENT if it has none."""

ABSENT: Final = object()

_ORDERS: Final = ("$gt", "$gte", "$lt", "$lte")


def matches(filters: Mapping[str, object], field: Field) -> bool:
    """Return whether a run satisfies all of `filters`.

    Raises:
        InvalidError: an operator is not known, or is given what it cannot have.
    """
    return all(_holds(name, wanted, field) for name, wanted in filters.items())


def _holds(name: str, wanted: object, field: Field) -> bool:
    if name in ("$and", "$or", "$nor"):
        parts = [matches(_mapping(name, each), field) for each in _several(name, wanted)]
        return all(parts) if name == "$and" else any(parts) is (name == "$or")
    if name == "$not":
        return not matches(_mapping(name, wanted), field)
    if name.startswith("$"):
        raise InvalidError(f"filters: no operator {name} here")
    value = field(name)
    if isinstance(wanted, Mapping) and any(str(key).startswith("$") for key in wanted):
        return all(_compares(str(key), value, bound, wanted) for key, bound in wanted.items())
    return _equals(value, wanted)


def _compares(word: str, value: object, bound: object, all_words: Mapping[str, object]) -> bool:
    if word in _ORDERS:
        return any(_in_order(word, each, bound) for each in _each(value))
    match word:
        case "$eq":
            return _equals(value, bound)
        case "$ne":
            return not _equals(value, bound)
        case "$in":
            return any(_equals(value, each) for each in _several(word, bound))
        case "$nin":
            return not any(_equals(value, each) for each in _several(word, bound))
        case "$exists":
            return (value is not ABSENT) is bool(bound)
        case "$not":
            inner = _mapping(word, bound)
            return not all(_compares(str(key), value, each, inner) for key, each in inner.items())
        case "$regex":
            found = _pattern(bound, str(all_words.get("$options", "")))
            return any(isinstance(each, str) and found.search(each) is not None for each in _each(value))
        case "$options":
            return True
    raise InvalidError(f"filters: no operator {word} here")


def _in_order(word: str, value: object, bound: object) -> bool:
    """Compare numbers, or texts, as which times are given; other kinds have no order."""
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
        raise InvalidError(f"filters: $regex {bound!r} is no pattern: {error}") from None


def _several(word: str, value: object) -> list[object]:
    if isinstance(value, list | tuple | set):
        return list(value)
    raise InvalidError(f"filters: {word} takes a list, not {type(value).__name__}")


def _mapping(word: str, value: object) -> Mapping[str, object]:
    if isinstance(value, Mapping):
        return value
    raise InvalidError(f"filters: {word} takes conditions, not {type(value).__name__}")
