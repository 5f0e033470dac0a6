"""Document tree between a loader and the reader: plain values that know their place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from sweepd.spec.loading.diagnostic import Findings, Place
from sweepd.spec.point import Json

Scalar = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value."""

    value: Scalar
    place: Place | None


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple["Node", ...]
    place: Place | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value; `place` is that of the key."""

    place: Place | None
    node: "Node"


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping with unique text keys, in the order written."""

    entries: dict[str, Entry]
    place: Place | None

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, key: str) -> bool:
        return key in self.entries


Node = ScalarNode | SequenceNode | MappingNode


def plain(node: Node) -> Json:
    """Return the value of a node without places; a node behind an alias is copied at each use."""
    match node:
        case ScalarNode(value=value):
            return value
        case SequenceNode(items=items):
            return [plain(item) for item in items]
        case MappingNode(entries=entries):
            return {key: plain(entry.node) for key, entry in entries.items()}


def place_of(root: Node, path: Sequence[str | int]) -> Place | None:
    """Return the place of the value at a path, or of the innermost thing on the way that is there."""
    node = root
    for part in path:
        if isinstance(node, MappingNode) and isinstance(part, str) and part in node.entries:
            node = node.entries[part].node
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            break
    return node.place


def read_json(findings: Findings, node: Node, path: str) -> Json:
    """Return the value of a node, recording as errors the numbers that JSON does not have."""
    match node:
        case ScalarNode(value=float() as value) if not isfinite(value):
            message = f'{value} has no form that every program reads; write it as text, "{value}"'
            findings.error(node.place, path, "not-finite", message)
        case SequenceNode(items=items):
            for index, item in enumerate(items):
                read_json(findings, item, f"{path}[{index}]")
        case MappingNode(entries=entries):
            for key, entry in entries.items():
                read_json(findings, entry.node, f"{path}.{key}")
        case _:
            pass
    return plain(node)


def is_finite(value: Json) -> bool:
    """Tell whether a value has no number that JSON does not have."""
    match value:
        case float():
            return isfinite(value)
        case list():
            return all(map(is_finite, value))
        case dict():
            return all(map(is_finite, value.values()))
        case _:
            return True
