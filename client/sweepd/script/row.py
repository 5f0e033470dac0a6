"""Turns what a script logs into a line of the metrics file, whatever the values are made of."""

import json
from collections.abc import Mapping
from typing import SupportsFloat

from sweepd.metrics_file import RESERVED
from sweepd.script.notices import Notices


def plain(value: object) -> object:
    """Return the JSON value that stands for an object of another library.

    Numbers of numpy, torch, jax and the like are known by what they can do, so none of them is imported:
    `item()` gives a Python number, else `float()` does.

    Raises:
        TypeError: nothing in JSON stands for it.
    """
    if isinstance(value, Mapping):
        return dict(value)
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


_encode = json.JSONEncoder(separators=(",", ":"), default=plain).encode
_UNSUITABLE = (TypeError, ValueError, OverflowError, RecursionError)


def encode_row(header: Mapping[str, object], metrics: Mapping[str, object], notices: Notices) -> bytes:
    """Return the line of a row: the header's members, then the metrics that can be written.

    A metric that cannot is left out, and named once in `notices`.
    """
    if RESERVED.isdisjoint(metrics):
        try:
            return _line({**header, **metrics})
        except _UNSUITABLE:
            pass  # one of them is not suitable; find out which
    return _line({**header, **_suitable(metrics, notices)})


def _line(row: Mapping[str, object]) -> bytes:
    return f"{_encode(row)}\n".encode("ascii")  # the encoder escapes everything else, newlines included


def _suitable(metrics: Mapping[str, object], notices: Notices) -> dict[str, object]:
    suitable: dict[str, object] = {}
    for key, value in metrics.items():
        if key in RESERVED:
            notices.once(f"key {key}", f"the key {key!r} is reserved and was not logged")
            continue
        try:
            _encode({key: value})
        except _UNSUITABLE as error:
            notices.once(f"key {key}", f"the value of {key!r} cannot be logged and was left out: {error}")
        else:
            suitable[key] = value
    return suitable
