"""Search space of a sweep: dimensions, points by index or (seed, index), and unit-cube coordinates."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from math import prod

from sweepd.spec.distributions.distribution import Distribution, grid_values
from sweepd.spec.point import InfeasibleError, Json, ParameterNode, Point
from sweepd.spec.space.dimension import Dimension, Radix, choices_at
from sweepd.spec.space.membership import Membership, adopted, assembled, from_values, value_at, values_of
from sweepd.spec.space.rules import Component, compile_rules, components_of
from sweepd.spec.space.sampling import Feasibility, Sampler, draw
from sweepd.spec.space.walk import Count, Walk, count


class SearchSpace:
    """Search space of a sweep. Its points share values with the specification, so never modify them.

    Dimensions are sorted by name, in code-point order, at each level; a zip has the place of its first
    parameter. A point has its active parameters, constants included, sorted by name.
    """

    def __init__(
        self,
        parameters: Mapping[str, ParameterNode],
        *,
        zips: Sequence[Sequence[str]] = (),
        constraints: Sequence[str] = (),
    ) -> None:
        """Compile the parameters of a sweep.

        Raises:
            ValueError: a condition, constraint or zip is invalid; `compile_rules` reports all errors.
        """
        compiled = compile_rules(parameters, constraints, zips)
        for finding in compiled.findings:
            raise ValueError(f"{finding.path}: {finding.message}")
        self.parameters, self.dimensions = compiled.parameters, compiled.dimensions
        self.zips, self.constraints = zips, constraints
        self.rules, self.constants = compiled.rules, compiled.constants
        self._leaves = compiled.leaves
        self._membership = Membership(
            parameters=compiled.parameters,
            dimensions=[dimension for dimension in compiled.dimensions if len(dimension.paths) > 1],
            rules=compiled.rules,
            constants=compiled.constants,
        )
        self.is_plain = not (self.rules.gates or self.rules.constraints or self._membership.dimensions)
        """True if every point has every parameter, and parameters vary independently."""
        self.grid = Enumeration(self, grid_values)
        """The points of a grid."""
        self.support = Enumeration(self, lambda distribution: distribution.support)
        """The points that can be drawn."""

    def __reduce__(self) -> tuple[Callable[[], "SearchSpace"], tuple[()]]:
        """Pickle the space as its sources: compiled expressions are functions, which cannot be pickled."""
        return partial(SearchSpace, self.parameters, zips=self.zips, constraints=self.constraints), ()

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """The components of the space that have rules."""
        return components_of(self._leaves, self.dimensions, self.rules.split())

    @cached_property
    def _sampler(self) -> Sampler:
        return Sampler(self.dimensions, self.components, self.constants)

    def random_point(self, seed: int, index: int) -> Point:
        """Return random point number `index` of a seed, independent of earlier draws.

        Raises:
            InfeasibleError: 10,000 draws of one component all broke a constraint.
        """
        if self.is_plain:
            values = (d.distribution.quantile(draw(seed, index, d.paths[0])) for d in self.dimensions)
            return assembled(self.parameters, values)
        return from_values(self.parameters, self._sampler.values(seed, index))

    def complete(self, partial: Mapping[str, Json], seed: int, index: int) -> Point:
        """Return a point with the values of `partial`; other values are drawn as in `random_point`.

        Raises:
            InfeasibleError: no point with these values was found.
        """
        for violation in self.partial_violations(partial):
            raise InfeasibleError(violation)
        given = dict(values_of(self.parameters, partial))
        return from_values(self.parameters, self._sampler.values(seed, index, given))

    def feasibility(
        self, draws: int = 10_000, seed: int = 0, enough: int = 10, *, whole: bool = False
    ) -> Feasibility:
        """Count, up to `enough`, how many of `draws` draws satisfy the constraints.

        Components are drawn separately (with `whole`, together), and the one with the fewest hits counts.
        """
        return self._sampler.feasibility(draws, seed, enough, whole=whole)

    def from_unit(self, vector: Sequence[float]) -> Point:
        """Return the point at unit coordinates, one per dimension in order; it may break constraints.

        Raises:
            ValueError: the number of coordinates is wrong, or a coordinate is outside [0, 1].
        """
        if len(vector) != len(self.dimensions):
            raise ValueError(f"{len(vector)} coordinates for {len(self.dimensions)} dimensions")
        if not all(0.0 <= coordinate <= 1.0 for coordinate in vector):
            raise ValueError("a unit coordinate is outside [0, 1]")
        if self.is_plain:
            pairs = zip(self.dimensions, vector, strict=True)
            return assembled(self.parameters, (each.distribution.quantile(u) for each, u in pairs))
        return from_values(self.parameters, self._sampler.values_at(vector))

    def presence(self, vector: Sequence[float]) -> tuple[bool, ...] | None:
        """Return whether each dimension is present in the point at unit coordinates; None if infeasible.

        A zip is present if at least one of its parameters is. Searches call this often, so no point is built.
        """
        return self._sampler.presence_at(vector)

    def to_unit(self, point: Mapping[str, Json]) -> tuple[float | None, ...]:
        """Return the unit coordinates of a point, with None for each dimension that has no active parameter.

        A discrete value maps to the midpoint of its probability interval.

        Raises:
            ValueError: a value is missing or has no coordinate.
        """
        if self.is_plain:
            return tuple(
                each.distribution.to_unit(value_at(point, each.paths[0])) for each in self.dimensions
            )
        return self._membership.to_unit(point, self.dimensions)

    def feasible(self, point: Mapping[str, Json]) -> bool:
        """Return True if a point of the space satisfies the constraints."""
        return not self.rules.constraints or self.rules.hold(dict(values_of(self.parameters, point)))

    def adopted(self, point: Mapping[str, Json]) -> Point:
        """Convert a point of another space to this space; `violations` checks the result."""
        return adopted(self.parameters, self.rules, point)

    def violations(self, point: Mapping[str, Json]) -> tuple[str, ...]:
        """Return the reasons why a point is not in the space, including wrong types; empty if it is."""
        return self._membership.violations(point)

    def partial_violations(self, partial: Mapping[str, Json]) -> tuple[str, ...]:
        """Return reasons why no point can have the values of a partial point; not every reason is found."""
        return self._membership.partial_violations(partial)


class Enumeration:
    """Points as numbered combinations of the values of each dimension; the last dimension varies fastest.

    Each point has exactly one combination. Combinations that differ from it only in inactive parameters,
    or break a constraint, are not points. `at` and `next` raise ValueError if the values cannot be listed.
    """

    def __init__(self, space: SearchSpace, values: Callable[[Distribution], Sequence[Json] | None]) -> None:
        self._space, self._values = space, values

    @cached_property
    def size(self) -> int | None:
        """Number of combinations, at least the number of points; None if they cannot be listed."""
        choices = [self._values(dimension.distribution) for dimension in self._space.dimensions]
        listed = [values for values in choices if values is not None]
        return prod(map(len, listed)) if len(listed) == len(choices) else None

    def at(self, index: int) -> Point | None:
        """Return the point of a combination, None if it is not a point; raise IndexError if out of range."""
        if self._space.is_plain:
            return assembled(self._space.parameters, iter(choices_at(self._radices, index)))
        values = self._walk.at(index)
        return None if values is None else from_values(self._space.parameters, values)

    def next(
        self, start: int, limit: int, partial: Mapping[str, Json] | None = None
    ) -> tuple[int, Point | None]:
        """Return the index and point of the first combination from `start` on that is a point.

        At most `limit` candidates are tried, each of which may skip many combinations. Without a point among
        them, return (index to continue from, None); at the end, (`size`, None). With `partial`, consider only
        points that have its values.
        """
        space, given = self._space, None
        if partial is not None:
            if space.partial_violations(partial):
                return self._walk.combinations, None
            given = dict(values_of(space.parameters, partial))
        elif space.is_plain:  # each combination is a point
            if limit < 1:
                return start, None
            end = prod(len(radix.choices) for radix in self._radices)
            return (start, self.at(start)) if start < end else (end, None)
        index, values = self._walk.next(start, limit, given)
        return index, None if values is None else from_values(space.parameters, values)

    def count(self, limit: int = 1_000_000) -> Count:
        """Return the number of points, as an estimate if counting takes more than `limit` steps."""
        if self.size is None:
            return Count(None)
        return count(self._radices, self._space.components, self._space.constants, limit)

    @cached_property
    def _radices(self) -> tuple[Radix, ...]:
        return tuple(
            Radix(each, _listed(each, self._values(each.distribution))) for each in self._space.dimensions
        )

    @cached_property
    def _walk(self) -> Walk:
        return Walk(self._radices, self._space.rules.split(), self._space.constants)


def _listed(dimension: Dimension, values: Sequence[Json] | None) -> Sequence[Json]:
    if values is None:
        raise ValueError(f"{dimension.name}: the values of {dimension.distribution.name} cannot be listed")
    return values
