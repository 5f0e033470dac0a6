"""Parameters and points as data: JSON values, canonical text and digests."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    # Imported for type checks only: agents need only the names of parameters, and save 2 MiB.
    from sweepd.spec.distributions.distribution import Distribution

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Point = dict[str, Json]
Number = int | float
Path = tuple[str, ...]
"""Names of the enclosing groups of a parameter, then its own name."""


class InfeasibleError(ValueError):
    """Error raised if no point is found that has the given values and satisfies the constraints."""


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


@dataclass(frozen=True, slots=True)
class Parameter:
    """Parameter of the space; with `when`, active only if that expression holds."""

    distribution: "Distribution"
    when: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters passed to the run as one dictionary; with `when`, active only if that expression holds."""

    parameters: Mapping[str, "ParameterNode"]
    when: str | None = None


ParameterNode = Parameter | Group


def in_order(parameters: Mapping[str, ParameterNode]) -> dict[str, ParameterNode]:
    """Return the parameters sorted by name, at each level."""
    return {
        name: Group(in_order(node.parameters), node.when) if isinstance(node, Group) else node
        for name, node in sorted(parameters.items())
    }


def leaves(parameters: Mapping[str, ParameterNode], outer: Path = ()) -> Iterator[tuple[Path, Parameter]]:
    """Yield each parameter with its path, including those inside groups, in the order of the mappings."""
    for name, node in parameters.items():
        if isinstance(node, Group):
            yield from leaves(node.parameters, (*outer, name))
        else:
            yield (*outer, name), node


def dotted(path: Path) -> str:
    """Return the dotted name of a parameter, as in files and messages."""
    return ".".join(path)


def has_parameter(parameters: Mapping[str, object], name: str) -> bool:
    """Return True if a dotted name is a parameter, or may be a value inside a parameter.

    Args:
        parameters: parameters of a space, or the values of a point.
        name: dotted name, such as `optimizer.lr`.
    """
    if name in parameters:
        return True
    for key, node in parameters.items():
        if name.startswith(f"{key}."):
            inner = name.removeprefix(f"{key}.")
            if not isinstance(node, Group) or has_parameter(node.parameters, inner):
                return True
    return False
