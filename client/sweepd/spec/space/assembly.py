"""Conversion between points, as runs receive them, and the values of single parameters by path."""

from collections.abc import Iterator, Mapping

from sweepd.spec.distributions.discrete import Constant
from sweepd.spec.distributions.distribution import Distribution
from sweepd.spec.parameter import Group, Parameter, ParameterNode, Path, dotted, leaves
from sweepd.spec.point import Json, Point
from sweepd.spec.space.rules import Rules


def assembled(parameters: Mapping[str, ParameterNode], values: Iterator[Json]) -> Point:
    """Return the point of the values of all parameters that are no constants, in order."""
    point: Point = {}
    for name, node in parameters.items():
        match node:
            case Group(parameters=inner):
                point[name] = assembled(inner, values)
            case Parameter(distribution=Constant(value=constant)):
                point[name] = constant
            case _:
                point[name] = next(values)
    return point


def from_values(
    parameters: Mapping[str, ParameterNode], values: Mapping[Path, Json], outer: Path = ()
) -> Point:
    """Return the point of the parameters that have values; a group without any is left out."""
    point: Point = {}
    for name, node in parameters.items():
        path = (*outer, name)
        if isinstance(node, Group):
            inner = from_values(node.parameters, values, path)
            if inner:
                point[name] = inner
        elif path in values:
            point[name] = values[path]
    return point


def values_of(
    parameters: Mapping[str, ParameterNode], point: Mapping[str, Json], outer: Path = ()
) -> Iterator[tuple[Path, Json]]:
    """Yield what of a point belongs to a parameter; anything else in it is passed over."""
    for name, node in parameters.items():
        if name not in point:
            continue
        value = point[name]
        if isinstance(node, Parameter):
            yield (*outer, name), value
        elif isinstance(value, Mapping):
            yield from values_of(node.parameters, value, (*outer, name))


def value_at(point: Mapping[str, Json], path: Path) -> Json:
    """Return the value of one parameter of a point; ValueError if it has none."""
    inner = point
    for name in path[:-1]:
        group = inner.get(name)
        if not isinstance(group, dict):
            raise ValueError(f"{dotted(path)} is missing")
        inner = group
    if path[-1] not in inner:
        raise ValueError(f"{dotted(path)} is missing")
    return inner[path[-1]]


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
