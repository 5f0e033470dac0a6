"""Search space of a sweep: dimensions, points by index or (seed, index), and unit-cube coordinates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from sweepd.spec.distributions.distribution import grid_values
from sweepd.spec.parameter import ParameterNode, Path
from sweepd.spec.point import InfeasibleError, Json, Point
from sweepd.spec.space.dimension import Dimension, Radix, choices_at
from sweepd.spec.space.membership import Membership, adopted, assembled, from_values, value_at, values_of
from sweepd.spec.space.rules import Compiled, Component, compile_rules, components_of
from sweepd.spec.space.sampling import Feasibility, Sampler, draw
from sweepd.spec.space.walk import Count, Walk, count


class Plan:
    """Lazily created, immutable parts of one space."""

    def __init__(self, compiled: Compiled) -> None:
        self._leaves, self._dimensions = compiled.leaves, compiled.dimensions
        self.rules = compiled.rules
        self._split_rules = compiled.rules.split()
        self.constants = compiled.constants
        self.membership = Membership(
            parameters=compiled.parameters,
            dimensions=[dimension for dimension in compiled.dimensions if len(dimension.paths) > 1],
            rules=compiled.rules,
            constants=self.constants,
        )
        self.is_plain = not (self.rules.gates or self.rules.constraints or self.membership.dimensions)
        """True if every point has every parameter, and parameters vary independently."""

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """The components of the space that have rules."""
        return components_of(self._leaves, self._dimensions, self._split_rules)

    @cached_property
    def sampler(self) -> Sampler:
        """Sampler of the space."""
        return Sampler(self._dimensions, self.components, self.constants)

    @cached_property
    def grid(self) -> tuple[Radix, ...]:
        """The dimensions with their grid values; raises ValueError if one has none."""
        return tuple(
            Radix(dimension, _listed(dimension, grid_values(dimension.distribution)))
            for dimension in self._dimensions
        )

    @cached_property
    def support(self) -> tuple[Radix, ...]:
        """The dimensions with the values that can be drawn; raises ValueError if one has infinitely many."""
        return tuple(
            Radix(dimension, _listed(dimension, dimension.distribution.support))
            for dimension in self._dimensions
        )

    @cached_property
    def grid_walk(self) -> Walk:
        """Enumeration of the grid."""
        return Walk(self.grid, self._split_rules, self.constants)

    @cached_property
    def support_walk(self) -> Walk:
        """Enumeration of all points that can be drawn."""
        return Walk(self.support, self._split_rules, self.constants)


def _listed(dimension: Dimension, values: Sequence[Json] | None) -> Sequence[Json]:
    if values is None:
        raise ValueError(f"{dimension.name}: the values of {dimension.distribution.name} cannot be listed")
    return values


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """All points of a sweep. Points share values with the specification, so never change them.

    Dimensions are sorted by name in code-point order at each level, zipped parameters by the first of them.
    A point has its active parameters, constants included, sorted by name.
    """

    parameters: Mapping[str, ParameterNode]
    dimensions: tuple[Dimension, ...]
    zips: tuple[tuple[str, ...], ...]
    constraints: tuple[str, ...]
    _plan: Plan = field(repr=False, compare=False)

    @classmethod
    def of(
        cls,
        parameters: Mapping[str, ParameterNode],
        *,
        zips: Sequence[Sequence[str]] = (),
        constraints: Sequence[str] = (),
    ) -> "SearchSpace":
        """Return the space of the parameters of a sweep.

        Raises:
            ValueError: a condition, constraint or zip is invalid; `compile_rules` finds all errors.
        """
        compiled = compile_rules(parameters, constraints, zips)
        for finding in compiled.findings:
            raise ValueError(f"{finding.path}: {finding.message}")
        return cls(
            compiled.parameters,
            compiled.dimensions,
            tuple(tuple(names) for names in zips),
            tuple(constraints),
            Plan(compiled),
        )

    def __reduce__(self) -> tuple[Callable[..., "SearchSpace"], tuple[object, ...]]:
        """Pickle the space as its sources: compiled expressions are functions, which cannot be pickled."""
        return _rebuilt, (self.parameters, self.zips, self.constraints)

    @property
    def finite_combinations(self) -> int | None:
        """Number of combinations of values that can be drawn, or None if infinite."""
        sizes = [dimension.size for dimension in self.dimensions]
        finite = [size for size in sizes if size is not None]
        return prod(finite) if len(finite) == len(sizes) else None

    @property
    def combinations(self) -> int:
        """Number of combinations of grid values, at least the number of points of the grid.

        Raises:
            ValueError: a parameter has no grid values.
        """
        return prod(len(radix.choices) for radix in self._plan.grid)

    def combination(self, index: int) -> Point | None:
        """Return the point of one combination of the grid, or None if it is not a point of its own.

        The last dimension varies fastest. Each point has exactly one combination; others that differ from
        it only in inactive parameters, or break a constraint, give None.

        Raises:
            IndexError: the index is out of range.
            ValueError: a parameter has no grid values.
        """
        plan = self._plan
        if plan.is_plain:
            return self._decoded(plan.grid, index)
        values = plan.grid_walk.at(index)
        return None if values is None else from_values(self.parameters, values)

    def next_combination(
        self, start: int, limit: int, partial: Mapping[str, Json] | None = None
    ) -> tuple[int, Point | None]:
        """Return the index and point of the first combination of the grid from `start` on that is a point.

        At most `limit` candidates are tried, each of which may skip many combinations. Without a point among
        them, return (index to continue from, None); at the end, (`combinations`, None). With `partial`,
        consider only points that have its values.

        Raises:
            ValueError: a parameter has no grid values.
        """
        plan = self._plan
        if plan.is_plain and partial is None:
            return self._next_decoded(plan.grid, start, limit)
        return self._next(plan.grid_walk, start, limit, partial)

    def next_finite_combination(
        self, start: int, limit: int, partial: Mapping[str, Json] | None = None
    ) -> tuple[int, Point | None]:
        """Return the same as `next_combination`, for the values that can be drawn.

        Raises:
            ValueError: the space is infinite.
        """
        plan = self._plan
        if plan.is_plain and partial is None:
            return self._next_decoded(plan.support, start, limit)
        return self._next(plan.support_walk, start, limit, partial)

    def count_grid(self, limit: int = 1_000_000) -> Count:
        """Return the number of points of the grid, estimated if counting takes more than `limit` steps.

        Raises:
            ValueError: a parameter has no grid values.
        """
        return count(self._plan.grid, self._plan.components, self._plan.constants, limit)

    def count_points(self, limit: int = 1_000_000) -> Count:
        """Return the number of distinct points that can be drawn, counted like `count_grid`."""
        if self.finite_combinations is None:
            return Count(None)
        return count(self._plan.support, self._plan.components, self._plan.constants, limit)

    def random_point(self, seed: int, index: int) -> Point:
        """Return random point number `index` of a seed, independent of earlier draws.

        Raises:
            InfeasibleError: 10,000 draws of the same parameters all broke a constraint.
        """
        if self._plan.is_plain:
            values = (d.distribution.quantile(draw(seed, index, d.paths[0])) for d in self.dimensions)
            return assembled(self.parameters, values)
        return from_values(self.parameters, self._plan.sampler.values(seed, index))

    def complete(self, partial: Mapping[str, Json], seed: int, index: int) -> Point:
        """Return a point with the values of `partial`; the others are drawn as for `random_point`.

        Raises:
            InfeasibleError: no point with these values was found.
        """
        for violation in self.partial_violations(partial):
            raise InfeasibleError(violation)
        given = dict(values_of(self.parameters, partial))
        return from_values(self.parameters, self._plan.sampler.values(seed, index, given))

    def feasibility(
        self, draws: int = 10_000, seed: int = 0, enough: int = 10, *, whole: bool = False
    ) -> Feasibility:
        """Count, up to `enough`, how many of `draws` draws satisfy the constraints.

        Components that share no rule are drawn separately, and the worst one counts, unless `whole`.
        """
        return self._plan.sampler.feasibility(draws, seed, enough, whole=whole)

    def from_unit(self, vector: Sequence[float]) -> Point:
        """Return the point at unit coordinates, one per dimension in order; it may break constraints.

        Raises:
            ValueError: the number of coordinates is wrong, or a coordinate is outside [0, 1].
        """
        if len(vector) != len(self.dimensions):
            raise ValueError(f"{len(vector)} coordinates for {len(self.dimensions)} dimensions")
        if not all(0.0 <= coordinate <= 1.0 for coordinate in vector):
            raise ValueError("a unit coordinate is outside [0, 1]")
        if self._plan.is_plain:
            pairs = zip(self.dimensions, vector, strict=True)
            return assembled(self.parameters, (each.distribution.quantile(u) for each, u in pairs))
        return from_values(self.parameters, self._plan.sampler.values_at(vector))

    def presence(self, vector: Sequence[float]) -> tuple[bool, ...] | None:
        """Return whether each dimension is present in the point at unit coordinates; None if infeasible.

        A zip is present if at least one of its parameters is. No point is built: searches call this often.
        """
        return self._plan.sampler.presence_at(vector)

    def to_unit(self, point: Mapping[str, Json]) -> tuple[float | None, ...]:
        """Return the unit coordinates of a point, each None if the dimension has no active parameter.

        A discrete value maps to the midpoint of its probability interval.

        Raises:
            ValueError: a value is missing or has no coordinate.
        """
        if self._plan.is_plain:
            return tuple(
                each.distribution.to_unit(value_at(point, each.paths[0])) for each in self.dimensions
            )
        return self._plan.membership.to_unit(point, self.dimensions)

    def feasible(self, point: Mapping[str, Json]) -> bool:
        """Return True if a point of the space satisfies the constraints."""
        rules = self._plan.rules
        return not rules.constraints or rules.hold(dict(values_of(self.parameters, point)))

    def adopted(self, point: Mapping[str, Json]) -> Point:
        """Convert a point of another space to this space; `violations` tells whether it is a member."""
        return adopted(self.parameters, self._plan.rules, point)

    def violations(self, point: Mapping[str, Json]) -> tuple[str, ...]:
        """Return messages about why a point is not in the space; empty if it is, with the right types."""
        return self._plan.membership.violations(point)

    def partial_violations(self, partial: Mapping[str, Json]) -> tuple[str, ...]:
        """Return messages about values of a partial point that no point can have, as far as decidable."""
        return self._plan.membership.partial_violations(partial)

    def _decoded(self, radices: Sequence[Radix], index: int) -> Point:
        return assembled(self.parameters, iter(choices_at(radices, index)))

    def _next_decoded(self, radices: Sequence[Radix], start: int, limit: int) -> tuple[int, Point | None]:
        if limit < 1:
            return start, None
        try:
            return start, self._decoded(radices, start)
        except IndexError:
            return prod(len(radix.choices) for radix in radices), None

    def _next(
        self, walk: Walk, start: int, limit: int, partial: Mapping[str, Json] | None
    ) -> tuple[int, Point | None]:
        given: dict[Path, Json] | None = None
        if partial is not None:
            if self.partial_violations(partial):
                return walk.combinations, None
            given = dict(values_of(self.parameters, partial))
        index, values = walk.next(start, limit, given)
        return index, None if values is None else from_values(self.parameters, values)


def _rebuilt(
    parameters: Mapping[str, ParameterNode],
    zips: tuple[tuple[str, ...], ...],
    constraints: tuple[str, ...],
) -> SearchSpace:
    return SearchSpace.of(parameters, zips=zips, constraints=constraints)
