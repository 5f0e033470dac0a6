"""Finds the place in the file of something that is known by its dotted path."""

from collections.abc import Sequence

from sweepd.spec.loading.diagnostic import Place
from sweepd.spec.loading.nodes import MappingNode, Node, SequenceNode


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
