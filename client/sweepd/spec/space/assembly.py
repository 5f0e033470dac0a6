"""Between points, as runs receive them, and the values of single parameters by path."""

from collections.abc import Iterator, Mapping

from sweepd.spec.distributions.discrete import Constant
from sweepd.spec.parameter import Group, Parameter, ParameterNode, Path, dotted
from sweepd.spec.point import Json, Point


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
