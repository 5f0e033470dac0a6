"""The space of a sweep: its dimensions, and points by index, by (seed, index), from and to the unit cube."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from sweepd.spec.dimension import Dimension
from sweepd.spec.discrete import Constant
from sweepd.spec.draw import draw
from sweepd.spec.parameter import Group, Parameter, ParameterNode, in_order
from sweepd.spec.point import Json, Point, canonical_json


@dataclass(frozen=True, slots=True)
class Count:
    """How many points there are: `value` is None where there is no end to them, or nobody can tell."""

    value: int | None
    is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class Feasibility:
    """How often draws satisfied the constraints; of parts that are drawn apart, the part that did least.

    `hits` is counted up to a number that is enough, `draws` is how many that took. `constraints` are those of
    that part.
    """

    hits: int
    draws: int
    constraints: tuple[str, ...] = ()


class InfeasibleError(ValueError):
    """No point was found that satisfies the constraints."""


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
        ordered = in_order(parameters)
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

    def to_unit(self, point: Mapping[str, Json]) -> tuple[float | None, ...]:
        """Return the unit coordinates of a point, None for those of parameters that it does not have.

        Values with a share of the distribution map to its middle.

        Raises:
            ValueError: a value is missing or cannot be placed.
        """
        return tuple(d.distribution.to_unit(_value(point, d.path)) for d in self.dimensions)

    def violations(self, point: Mapping[str, Json]) -> tuple[str, ...]:
        """Return in words why a point does not lie in the space; empty if it does, with the right types."""
        return tuple(_violations(self.parameters, point, ()))

    def partial_violations(self, partial: Mapping[str, Json]) -> tuple[str, ...]:
        """Return in words what of a partial point does not lie in the space; what it leaves out is no matter."""
        return tuple(
            words for words in _violations(self.parameters, partial, ()) if not words.endswith(" is missing")
        )

    def feasible(self, point: Mapping[str, Json]) -> bool:
        """Tell whether a point of the space satisfies the constraints."""
        return True

    @property
    def combinations(self) -> int:
        """How many combinations of grid values there are: at least as many as points of the grid.

        Raises:
            ValueError: a parameter has no grid values.
        """
        return self.grid_size

    def combination(self, index: int) -> Point | None:
        """Return the point of one combination of the grid, None where it stands for no point of its own.

        The last dimension varies fastest. Each point has exactly one combination; others, that differ only in
        parameters that are not there, or that break a constraint, have none.

        Raises:
            IndexError: there is no such index.
            ValueError: a parameter has no grid values.
        """
        return self.grid_point(index)

    def next_combination(
        self, start: int, limit: int, partial: Mapping[str, Json] | None = None
    ) -> tuple[int, Point | None]:
        """Return the first combination of the grid from `start` on that is a point, its index before it.

        At most `limit` candidates are looked at, each of which may skip many combinations: (index to go on
        from, None) when there was no point among them, (`combinations`, None) at the end. With `partial`, only
        points that agree with what it gives.

        Raises:
            ValueError: a parameter has no grid values.
        """
        for index in range(start, min(self.combinations, start + limit)):
            point = self.grid_point(index)
            if partial is None or _agrees(point, partial):
                return index, point
        return min(self.combinations, start + limit), None

    @property
    def finite_combinations(self) -> int | None:
        """How many combinations of values that can be drawn there are; None where there is no end to them."""
        return self.size

    def finite_combination(self, index: int) -> Point | None:
        """Return what `combination` does, for the values that can be drawn instead of those of a grid.

        Raises:
            IndexError: there is no such index.
            ValueError: the space is infinite.
        """
        return self.finite_point(index)

    def next_finite_combination(
        self, start: int, limit: int, partial: Mapping[str, Json] | None = None
    ) -> tuple[int, Point | None]:
        """Return what `next_combination` does, for the values that can be drawn instead of those of a grid.

        Raises:
            ValueError: the space is infinite.
        """
        end = self.finite_combinations
        if end is None:
            raise ValueError("the space is infinite")
        for index in range(start, min(end, start + limit)):
            point = self.finite_point(index)
            if partial is None or _agrees(point, partial):
                return index, point
        return min(end, start + limit), None

    def count_grid(self, limit: int = 1_000_000) -> Count:
        """Return how many points the grid has: exactly, or estimated if that takes more than `limit` steps.

        Raises:
            ValueError: a parameter has no grid values.
        """
        return Count(self.grid_size)

    def count_points(self, limit: int = 1_000_000) -> Count:
        """Return how many distinct points can be drawn, as `count_grid` does."""
        return Count(self.size)

    def complete(self, partial: Mapping[str, Json], seed: int, index: int) -> Point:
        """Return a point that has what `partial` gives; the rest is drawn as for `random_point`.

        Raises:
            InfeasibleError: no point was found that has it.
        """
        return _completed(self.random_point(seed, index), partial)

    def feasibility(self, draws: int = 10_000, seed: int = 0, enough: int = 10) -> Feasibility:
        """Return how many of `draws` draws satisfy the constraints, counted up to `enough`."""
        return Feasibility(enough, enough)

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


def _dimensions(parameters: Mapping[str, ParameterNode], outer: tuple[str, ...]) -> Iterator[Dimension]:
    for name, node in parameters.items():
        if isinstance(node, Group):
            yield from _dimensions(node.parameters, (*outer, name))
        elif not isinstance(node.distribution, Constant):
            yield Dimension(paths=((*outer, name),), distribution=node.distribution)


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


def _agrees(point: Mapping[str, Json], partial: Mapping[str, Json]) -> bool:
    return all(
        _agrees(inner, value)
        if isinstance(inner := point.get(name), Mapping) and isinstance(value, Mapping)
        else name in point and canonical_json(inner) == canonical_json(value)
        for name, value in partial.items()
    )


def _completed(point: Point, partial: Mapping[str, Json]) -> Point:
    whole = dict(point)
    for name, value in partial.items():
        inner = point.get(name)
        whole[name] = (
            _completed(inner, value) if isinstance(inner, dict) and isinstance(value, Mapping) else value
        )
    return whole
