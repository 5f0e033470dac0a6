"""Takes over a point that was made for another space: what this one knows of it, as this one writes it."""

from collections.abc import Mapping

from sweepd.spec.distributions.distribution import Distribution
from sweepd.spec.parameter import ParameterNode, leaves
from sweepd.spec.point import Json, Point
from sweepd.spec.space.assembly import from_values, values_of
from sweepd.spec.space.rules import Rules


def adopted(parameters: Mapping[str, ParameterNode], rules: Rules, point: Mapping[str, Json]) -> Point:
    """Return what of a point belongs to parameters that are there under its own conditions.

    Whole numbers get the type of their parameter, as 1.0 is 1. What is missing or out of bounds stays so:
    `violations` tells.
    """
    distributions = {path: node.distribution for path, node in leaves(parameters)}
    values = {path: _typed(distributions[path], value) for path, value in values_of(parameters, point)}
    rules.close(values)
    return from_values(parameters, values)


def _typed(distribution: Distribution, value: Json) -> Json:
    if isinstance(value, float) and value.is_integer() and not distribution.contains(value):
        whole = int(value)
        return whole if distribution.contains(whole) else value
    return value
