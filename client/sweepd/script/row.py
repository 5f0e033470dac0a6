"""Turns what a script logs into a line of the metrics file, whatever the values are made of."""

import json
from collections.abc import Callable, Mapping
from typing import SupportsFloat

from sweepd.metrics_file import RESERVED
from sweepd.script.notices import Notices

Keep = Callable[[str, object], object]
"""Keeps a value that is no number under a key, as a file; returns what stands for it, or raises TypeError."""

_SCALARS = frozenset({int, float, bool, str, type(None)})
_UNSUITABLE = (TypeError, ValueError, OverflowError, RecursionError)


def plain(value: object) -> object:
    """Return the JSON value that stands for an object, its members included.

    Numbers of numpy, torch, jax and the like are known by what they can do, so none of them is imported:
    `item()` gives a Python number, else `float()` does.

    Raises:
        TypeError: nothing in JSON stands for it.
    """
    if type(value) in _SCALARS:
        return value
    match value:
        case bool() | None:
            return value
        case int():
            return int(value)
        case float():
            return float(value)
        case str():
            return str.__str__(value)
        case Mapping():
            return {_key(key): plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case _:
            return _number(value)


def _key(key: object) -> str:
    if isinstance(key, str | int | float | bool | None):
        return key if isinstance(key, str) else json.dumps(key)
    raise TypeError(f"keys must be text, not {type(key).__name__}")


def _number(value: object) -> object:
    item: object = getattr(value, "item", None)
    try:
        if callable(item):
            number: object = item()
            if isinstance(number, bool | int | float | str):
                return number
        if isinstance(value, SupportsFloat):
            return float(value)
    except Exception as error:  # foreign objects raise what they like, arrays of many for one
        raise TypeError(f"{type(value).__name__}: {error}") from error
    raise TypeError(f"{type(value).__name__} is no number")


_encode = json.JSONEncoder(separators=(",", ":")).encode


def suitable(
    metrics: Mapping[str, object], notices: Notices, keep: Keep | None = None, *, lists_arrive: bool = True
) -> Mapping[str, object]:
    """Return the metrics that can be written, as JSON values; what cannot is named once in `notices`.

    Args:
        metrics: as a script has logged them.
        notices: where complaints go.
        keep: tried on what is no number; None: nothing is.
        lists_arrive: whether the server takes lists from where the values go; if not, one is named once, too.
    """
    chosen: dict[str, object] = {}
    for key, value in metrics.items():
        if type(value) in _SCALARS and type(key) is str and key not in RESERVED:
            chosen[key] = value
            continue
        name = str(key)
        if name in RESERVED:
            notices.once(f"key {name}", f"the key {name!r} is reserved and was not logged")
            continue
        try:
            chosen[name] = _written(name, value, keep, None if lists_arrive else notices)
        except _UNSUITABLE as error:
            notices.once(f"key {name}", f"the value of {name!r} cannot be logged and was left out: {error}")
    return chosen


def _written(name: str, value: object, keep: Keep | None, notices: Notices | None) -> object:
    try:
        made = plain(value)
    except TypeError:
        if keep is None:
            raise
    else:
        if notices is not None:
            _name_lists(name, made, notices)
        return made
    if isinstance(value, Mapping):
        return {_key(key): _written(f"{name}.{key}", inner, keep, notices) for key, inner in value.items()}
    return keep(name, value)


def _name_lists(name: str, made: object, notices: Notices) -> None:
    if isinstance(made, dict):
        for key, inner in made.items():
            _name_lists(f"{name}.{key}", inner, notices)
    elif isinstance(made, list):
        notices.once(
            f"key {name}",
            f"the value of {name!r} is a list: it stays in the run's folder on this machine, as the server "
            "has no lists in rows; log numbers, or a Table",
        )


def encode(header: Mapping[str, object], values: Mapping[str, object]) -> bytes:
    """Return the line of a row: the header's members, then suitable values."""
    return f"{_encode({**header, **values})}\n".encode("ascii")  # newlines within texts are escaped, too
