"""Reads any JSON value of a file: what a parameter, a point or the metadata may hold."""

from math import isfinite

from sweepd.spec.loading.diagnostic import Findings
from sweepd.spec.loading.nodes import MappingNode, Node, ScalarNode, SequenceNode, plain
from sweepd.spec.point import Json


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
