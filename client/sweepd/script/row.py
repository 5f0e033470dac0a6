"""Turns what a script logs into a line of the metrics file, whatever the values are made of."""

import json
from collections.abc import Callable, Mapping
from typing import SupportsFloat

from sweepd.metrics_file import MAX_KEY_LENGTH, MAX_LINE_BYTES, RESERVED
from sweepd.script.notices import Notices

Keep = Callable[[str, object], object]
"""Keeps a value that is no number under a key, as a file; returns what stands for it, or raises TypeError."""

_SCALARS = frozenset({int, float, bool, str, type(None)})


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
    try:
        item: object = getattr(value, "item", None)
        if callable(item):
            number: object = item()
            if isinstance(number, bool | int | float | str):
                return number
            if isinstance(number, complex):  # its real part is another number
                raise TypeError("it is complex")
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
    for key, value in list(metrics.items()):  # another thread may be changing it
        if (
            type(value) in _SCALARS
            and type(key) is str
            and 0 < len(key) <= MAX_KEY_LENGTH
            and key not in RESERVED
        ):
            chosen[key] = value
            continue
        name = str(key)
        if (fault := _fault(name)) is not None:
            notices.once(f"key {name}", f"the key {name[:40]!r} {fault} and was not logged")
            continue
        try:
            chosen[name] = _written(name, value, keep, None if lists_arrive else notices)
        except Exception as error:  # noqa: BLE001 (whatever is logged, the training goes on)
            _left_out(name, error, notices)
    return chosen


def _fault(name: str) -> str | None:
    if name in RESERVED:
        return "is reserved"
    if not name:
        return "is no name"
    return f"is longer than {MAX_KEY_LENGTH} characters" if len(name) > MAX_KEY_LENGTH else None


def _left_out(name: str, why: object, notices: Notices) -> None:
    notices.once(f"key {name}", f"the value of {name!r} cannot be logged and was left out: {why}")


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


def encode(
    header: Mapping[str, object], values: Mapping[str, object], notices: Notices
) -> tuple[bytes, Mapping[str, object]]:
    """Return the line of a row, and what it holds of suitable values; what is too long is named once.

    Args:
        header: members that come first.
        values: the metrics.
        notices: where complaints go.
    """
    try:
        line = f"{_encode({**header, **values})}\n".encode("ascii")  # newlines within texts are escaped, too
    except (ValueError, RecursionError):  # Python writes no number of some thousand digits
        line = b""
    if 0 < len(line) <= MAX_LINE_BYTES:
        return line, values
    fitting = _fitting(values, MAX_LINE_BYTES - len(_encode(header)) - 2, notices)
    return f"{_encode({**header, **fitting})}\n".encode("ascii"), fitting


def _fitting(values: Mapping[str, object], room: int, notices: Notices) -> Mapping[str, object]:
    """Return the values that have room in one line, the shortest first."""
    sizes: dict[str, int] = {}
    for name, value in values.items():
        try:
            sizes[name] = len(_encode({name: value}))  # braces stand for the comma
        except (ValueError, RecursionError) as error:
            _left_out(name, error, notices)
    fitting: set[str] = set()
    for name in sorted(sizes, key=sizes.__getitem__):
        room -= sizes[name]
        if room >= 0:
            fitting.add(name)
        else:
            _left_out(name, "the row would be longer than 1 MiB", notices)
    return {name: value for name, value in values.items() if name in fitting}
