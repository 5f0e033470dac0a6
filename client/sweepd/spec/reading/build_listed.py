"""Builds the distributions over listed values from their keys."""

from typing import Final

from sweepd.spec.distributions.discrete import Categorical, Constant, WeightedCategorical
from sweepd.spec.point import Json, is_number
from sweepd.spec.reading.fields import Fields
from sweepd.spec.reading.json_value import is_finite, read_json
from sweepd.spec.reading.nodes import Node, ScalarNode, SequenceNode

LARGEST_SHARE: Final = 1.1
"""Above 1, so that what is only slightly off is told as a sum that is."""

_PROBABILITY_TOLERANCE: Final = 1.000001e-5  # 0.99999 passes whatever its last bit


def build_constant(fields: Fields) -> Constant | None:
    """Return the constant of a `value`, or None after recording why there is none."""
    node = fields.node.entries["value"].node
    if isinstance(node, SequenceNode):
        message = "one constant, a list; nothing is searched here"
        path = fields.path_of("value")
        fields.findings.warning(node.place, path, "constant-list", message, suggestion="values")
    value = read_json(fields.findings, node, fields.path_of("value"))
    return Constant(value=value) if is_finite(value) else None


def build_categorical(fields: Fields) -> Categorical | None:
    """Return the choice among `values`, or None after recording why there is none."""
    values = _values(fields)
    return None if values is None else Categorical(values=values)


def build_weighted(fields: Fields) -> WeightedCategorical | None:
    """Return the choice by `probabilities`, or None after recording why there is none."""
    values = _values(fields)
    if values is None:
        return None
    probabilities = _probabilities(fields, len(values))
    return None if probabilities is None else WeightedCategorical(values=values, probabilities=probabilities)


def _items(fields: Fields, key: str) -> tuple[Node, ...] | None:
    items = fields.items(key, "a list")
    if fields.is_empty_list(key):
        fields.error("no-values", "must have at least one entry", key=key)
    return items or None


def _values(fields: Fields) -> tuple[Json, ...] | None:
    items = _items(fields, "values")
    if items is None:
        return None
    path = fields.path_of("values")
    values = tuple(read_json(fields.findings, item, f"{path}[{index}]") for index, item in enumerate(items))
    return values if all(map(is_finite, values)) else None


def _probabilities(fields: Fields, count: int) -> tuple[float, ...] | None:
    key = "probabilities"
    items = _items(fields, key)
    if items is None:
        return None
    shares: list[float] = []
    for index, item in enumerate(items):
        share = item.value if isinstance(item, ScalarNode) else None
        if not is_number(share) or not 0 <= share <= LARGEST_SHARE:
            message = "a probability is a number from 0 to 1"
            fields.findings.error(item.place, f"{fields.path_of(key)}[{index}]", "bad-probability", message)
        else:
            shares.append(float(share))
    if len(items) != count:
        fields.error("bad-probability", f"{len(items)} probabilities for {count} values", key=key)
        return None
    if len(shares) != count:
        return None
    if abs(sum(shares) - 1) > _PROBABILITY_TOLERANCE:
        fields.error("bad-probability", f"the probabilities sum to {sum(shares):.6g}, not to 1", key=key)
        return None
    return tuple(shares)
