"""The document tree between a loader and the parser: plain values that know their place."""

from collections.abc import Iterator
from dataclasses import dataclass

from sweepd.spec.loading.diagnostic import Place
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
