"""The space of a sweep: its dimensions, and points by index, by (seed, index), from and to the unit cube."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

from sweepd.spec.discrete import Categorical, Constant, IntUniform, WeightedCategorical
from sweepd.spec.distribution import Distribution
from sweepd.spec.draw import draw
from sweepd.spec.point import Json, Point
from sweepd.spec.quantised import QBeta, QLogNormal, QLogUniform, QLogUniformValues, QNormal, QUniform

Kind = Literal["real", "integer", "categorical"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One entry of the space that is no group; with `when` it exists only where that expression holds."""

    distribution: Distribution
    when: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that reach the run as one dictionary; with `when` they exist only where that holds."""

    parameters: Mapping[str, "ParameterNode"]
    when: str | None = None


ParameterNode = Parameter | Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One free parameter: the path through the groups to it, and its distribution."""

    path: tuple[str, ...]
    distribution: Distribution

    @property
    def name(self) -> str:
        """The path, dotted."""
        return ".".join(self.path)

    @property
    def kind(self) -> Kind:
        """How a search treats it; the values of a categorical one have no order."""
        match self.distribution:
            case Constant() | Categorical() | WeightedCategorical():
                return "categorical"
            case IntUniform():
                return "integer"
            case QUniform() | QLogUniform() | QLogUniformValues() | QNormal() | QLogNormal() | QBeta():
                return "integer" if self.distribution.is_integer else "real"
            case _:
                return "real"


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """All points of a sweep. Values in points are shared with the specification: read, never changed.

    Dimensions go in the order of their names by code point, a group among its siblings by its own name. A
    point has one entry per top-level parameter, sorted by name, constants included.
    """

    parameters: Mapping[str, ParameterNode]
    dimensions: tuple[Dimension, ...]

    @classmethod
    def of(
        cls,
        parameters: Mapping[str, ParameterNode],
        *,
        zips: Sequence[Sequence[str]] = (),
        constraints: Sequence[str] = (),
    ) -> "SearchSpace":
        """Return the space of the parameters of a sweep."""
        ordered = _sorted(parameters)
        return cls(ordered, tuple(_dimensions(ordered, ())))

    @property
    def size(self) -> int | None:
        """How many distinct points can be drawn, None where there is no end to them."""
        sizes = [dimension.distribution.size for dimension in self.dimensions]
        finite = [size for size in sizes if size is not None]
        return prod(finite) if len(finite) == len(sizes) else None

    @property
    def grid_size(self) -> int:
        """How many distinct points a grid has; ValueError where a parameter has no grid values."""
        return prod(len(values) for values in self._grid())

    def grid_point(self, index: int) -> Point:
        """Return a point of the grid by its index, the last dimension varying fastest.

        Raises:
            IndexError: there is no such index.
            ValueError: a parameter has no grid values.
        """
        return self._combination(self._grid(), index)

    def finite_point(self, index: int) -> Point:
        """Return one of the `size` points that can be drawn, in the order of a grid.

        Unlike `grid_point` it covers weighted and quantised parameters, with the values that drawing gives.

        Raises:
            IndexError: there is no such index.
            ValueError: the space is infinite.
        """
        return self._combination([_listed(d, d.distribution.support) for d in self.dimensions], index)

    def random_point(self, seed: int, index: int) -> Point:
        """Return random point number `index` of a seed: always the same one, whatever was drawn before."""
        return self._point(d.distribution.quantile(draw(seed, index, d.path)) for d in self.dimensions)

    def from_unit(self, vector: Sequence[float]) -> Point:
        """Return the point at unit coordinates, one per dimension in order.

        Raises:
            ValueError: the number of coordinates is wrong, or one is not within [0, 1].
        """
        if len(vector) != len(self.dimensions):
            raise ValueError(f"{len(vector)} coordinates for {len(self.dimensions)} dimensions")
        if not all(0.0 <= coordinate <= 1.0 for coordinate in vector):
            raise ValueError("a unit coordinate is outside [0, 1]")
        pairs = zip(self.dimensions, vector, strict=True)
        return self._point(dimension.distribution.quantile(u) for dimension, u in pairs)

    def to_unit(self, point: Mapping[str, Json]) -> tuple[float, ...]:
        """Return the unit coordinates of a point; values with a share of the distribution map to its middle.

        Raises:
            ValueError: a value is missing or cannot be placed.
        """
        return tuple(d.distribution.to_unit(_value(point, d.path)) for d in self.dimensions)

    def violations(self, point: Mapping[str, Json]) -> tuple[str, ...]:
        """Return in words why a point does not lie in the space; empty if it does, with the right types."""
        return tuple(_violations(self.parameters, point, ()))

    def _grid(self) -> list[Sequence[Json]]:
        return [_listed(dimension, dimension.distribution.grid_values) for dimension in self.dimensions]

    def _combination(self, choices: Sequence[Sequence[Json]], index: int) -> Point:
        if index < 0:
            raise IndexError(index)
        chosen: list[Json] = []
        rest = index
        for values in reversed(choices):
            rest, place = divmod(rest, len(values))
            chosen.append(values[place])
        if rest:
            raise IndexError(index)
        return self._point(reversed(chosen))

    def _point(self, values: Iterator[Json]) -> Point:
        return _assembled(self.parameters, values)


def _sorted(parameters: Mapping[str, ParameterNode]) -> dict[str, ParameterNode]:
    return {
        name: Group(_sorted(node.parameters), node.when) if isinstance(node, Group) else node
        for name, node in sorted(parameters.items())
    }


def _dimensions(parameters: Mapping[str, ParameterNode], outer: tuple[str, ...]) -> Iterator[Dimension]:
    for name, node in parameters.items():
        if isinstance(node, Group):
            yield from _dimensions(node.parameters, (*outer, name))
        elif not isinstance(node.distribution, Constant):
            yield Dimension(path=(*outer, name), distribution=node.distribution)


def _listed(dimension: Dimension, values: Sequence[Json] | None) -> Sequence[Json]:
    if values is None:
        raise ValueError(f"{dimension.name}: the values of {dimension.distribution.name} cannot be listed")
    return values


def _assembled(parameters: Mapping[str, ParameterNode], values: Iterator[Json]) -> Point:
    point: Point = {}
    for name, node in parameters.items():
        match node:
            case Group(parameters=inner):
                point[name] = _assembled(inner, values)
            case Parameter(distribution=Constant(value=constant)):
                point[name] = constant
            case _:
                point[name] = next(values)
    return point


def _value(point: Mapping[str, Json], path: tuple[str, ...]) -> Json:
    inner = point
    for name in path[:-1]:
        group = inner.get(name)
        if not isinstance(group, dict):
            raise ValueError(f"{'.'.join(path)} is missing")
        inner = group
    if path[-1] not in inner:
        raise ValueError(f"{'.'.join(path)} is missing")
    return inner[path[-1]]


def _violations(
    parameters: Mapping[str, ParameterNode], point: Mapping[str, Json], outer: tuple[str, ...]
) -> Iterator[str]:
    for name, node in parameters.items():
        path = ".".join((*outer, name))
        if name not in point:
            yield f"{path} is missing"
            continue
        value = point[name]
        if isinstance(node, Parameter):
            if not node.distribution.contains(value):
                yield f"{path}: {value!r:.80} is no value of its {node.distribution.name}"
        elif isinstance(value, Mapping):
            yield from _violations(node.parameters, value, (*outer, name))
        else:
            yield f"{path} must be a mapping"
    for name in point:
        if name not in parameters:
            yield f"{'.'.join((*outer, name))} is no parameter"
