"""Points as data: JSON values, their canonical text and their digest."""

import json
from collections.abc import Mapping
from typing import TypeGuard

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Point = dict[str, Json]
Number = int | float


class InfeasibleError(ValueError):
    """No point was found that satisfies the constraints and has the given values."""


_encoded = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical_json(value: object) -> str:
    """Return the canonical text of a JSON value: keys sorted, no blanks, ASCII, 1.0 written as 1.

    Equal texts mean equal values: `1` equals `1.0`; `true`, `1` and `"1"` differ.

    Raises:
        ValueError: a number is NaN or infinite, or the value is not JSON.
    """
    return _encoded(_canonical(value))


def point_digest(point: Mapping[str, Json]) -> bytes:
    """Return the 32 bytes (SHA-256 of the canonical JSON) that identify a point."""
    import hashlib  # imported lazily: it loads OpenSSL, 2 MiB that agents do not need

    return hashlib.sha256(canonical_json(point).encode("ascii")).digest()


def is_number(value: object) -> TypeGuard[Number]:
    """Return True if a value is an integer or a float; booleans are never numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _canonical(value: object) -> object:
    match value:
        case float() if value.is_integer():
            return int(value)
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {_text_key(key): _canonical(item) for key, item in value.items()}
        case list() | tuple():
            return [_canonical(item) for item in value]
        case _:
            raise ValueError(f"a {type(value).__name__} is not a JSON value")


def _text_key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise ValueError(f"the key {key!r} of a mapping is not text")
