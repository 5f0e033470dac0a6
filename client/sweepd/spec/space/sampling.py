"""Sampler of points: draws each parameter independently, and redraws components that break a constraint."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from sweepd.spec.expressions.expression import Expression
from sweepd.spec.point import InfeasibleError, Json, Path
from sweepd.spec.space.dimension import Dimension, Radix
from sweepd.spec.space.rules import Component, merged

_SCALE = 2.0**-53


def draw(seed: int, index: int, path: tuple[str, ...]) -> float:
    """Return a uniform number in [0, 1), a multiple of 2^-53; different arguments give independent numbers.

    The number does not depend on other parameters: adding a parameter to a sweep does not change it.
    """
    return _uniform(b"%d\0%d\0%s" % (seed, index, _name(path)), b"sweepd-draw")


def draw_again(seed: int, index: int, attempt: int, path: tuple[str, ...]) -> float:
    """Return a number that replaces a rejected one; attempts count from 1, and give independent numbers."""
    return _uniform(b"%d\0%d\0%d\0%s" % (seed, index, attempt, _name(path)), b"sweepd-redraw")


def _name(path: tuple[str, ...]) -> bytes:
    return "\0".join(path).encode()


def _uniform(counter: bytes, purpose: bytes) -> float:
    digest = blake2b(counter, digest_size=8, person=purpose).digest()
    return (int.from_bytes(digest, "big") >> 11) * _SCALE


MAX_DRAWS = 10_000
"""Number of draws after which a component counts as infeasible."""

_MAX_VALUES = 2_000_000
"""Maximum number of values drawn to measure feasibility: more parameters mean fewer draws."""

_MIN_DRAWS = 100

Values = dict[Path, Json]


@dataclass(frozen=True, slots=True)
class Feasibility:
    """Share of draws that satisfy the constraints, in the component with the smallest share.

    Of `draws` draws, `hits` satisfy the constraints; drawing stops once there are enough hits. `constraints`
    are the constraints of that component.
    """

    hits: int
    draws: int
    constraints: tuple[str, ...] = ()


Fill = Callable[[Values, float], None]
"""Function that assigns the values of a dimension, given a coordinate in [0, 1)."""

_Stage = tuple[Sequence[int], Expression | None]
"""Dimensions to draw, and the constraint that can be evaluated afterwards."""


class Sampler:
    """Sampler of points by (seed, index): a point does not depend on earlier draws.

    Only a component that breaks a rule is redrawn. Components share no parameter, so points are distributed
    as if whole points were redrawn until all rules hold, but the costs add up instead of multiplying.
    """

    def __init__(
        self,
        dimensions: Sequence[Dimension],
        components: Sequence[Component],
        constants: Mapping[Path, Json],
    ) -> None:
        self._dimensions, self._components, self._constants = dimensions, components, constants
        self._fills = [_fill(dimension) for dimension in dimensions]
        self._stages = [_stages(component, dimensions) for component in components]
        reads = frozenset().union(*(component.reads for component in components))
        self._read = [
            place for place, dimension in enumerate(dimensions) if not reads.isdisjoint(dimension.paths)
        ]

    def values(self, seed: int, index: int, given: Mapping[Path, Json] | None = None) -> Values:
        """Return the active values of random point number `index`, including all given values.

        Raises:
            InfeasibleError: no draw satisfies the constraints and has the given values.
        """
        fills = self._fills if given is None else self._fills_around(given)
        values = dict(self._constants)
        for dimension, fill in zip(self._dimensions, fills, strict=True):
            fill(values, draw(seed, index, dimension.path))
        for component, stages in zip(self._components, self._stages, strict=True):
            component.rules.close(values)
            if self._fits(values, given, component):
                continue
            for attempt in range(1, MAX_DRAWS):
                values.update(self._conditional_constants(component))
                for places, constraint in stages:
                    for place in places:
                        fills[place](values, draw_again(seed, index, attempt, self._dimensions[place].path))
                    if constraint is not None and not constraint.holds(values):
                        break
                else:
                    component.rules.close(values)
                    if self._fits(values, given, component):
                        break
            else:
                raise InfeasibleError(_infeasible_message(component))
        return values

    def values_at(self, vector: Sequence[float]) -> Values:
        """Return the active values at unit coordinates, one per dimension; constraints may be broken."""
        values = dict(self._constants)
        for u, fill in zip(vector, self._fills, strict=True):
            fill(values, u)
        for component in self._components:
            component.rules.close(values)
        return values

    def presence_at(self, vector: Sequence[float]) -> tuple[bool, ...] | None:
        """Return whether each dimension is present in the point at unit coordinates; None if infeasible."""
        values = dict(self._constants)
        for place in self._read:
            self._fills[place](values, vector[place])
        absent: set[Path] = set()
        for component in self._components:
            absent |= component.rules.close(values).keys()
            if not component.rules.hold(values):
                return None
        return tuple(not absent.issuperset(dimension.paths) for dimension in self._dimensions)

    def feasibility(self, draws: int, seed: int, enough: int, *, whole: bool = False) -> Feasibility:
        """Count, up to `enough`, how many of `draws` draws satisfy the constraints.

        With `whole`, all components are drawn together instead of individually.
        """
        components = [component for component in self._components if component.rules.constraints]
        if whole and components:
            components = [merged(components)]
        found = [self._feasibility_of(component, draws, seed, enough) for component in components]
        return min(found, key=lambda each: (each.hits, -each.draws), default=Feasibility(enough, enough))

    def _feasibility_of(self, component: Component, draws: int, seed: int, enough: int) -> Feasibility:
        constraints = list(component.rules.constraints)
        texts = tuple(dict.fromkeys(constraint.text for constraint in constraints))
        draws = min(draws, max(_MIN_DRAWS, _MAX_VALUES // len(component.dimensions or (0,))))
        hits = 0
        for index in range(draws):
            values = dict(self._constants)
            for place in component.dimensions:
                self._fills[place](values, draw(seed, index, self._dimensions[place].path))
            component.rules.close(values)
            broken = next((place for place, each in enumerate(constraints) if not each.holds(values)), None)
            if broken is None:
                hits += 1
            else:  # evaluate this constraint first from now on: the next draw is likely to break it as well
                constraints.insert(0, constraints.pop(broken))
            if hits == enough:
                return Feasibility(hits, index + 1, texts)
        return Feasibility(hits, draws, texts)

    def _fills_around(self, given: Mapping[Path, Json]) -> list[Fill]:
        return [
            fill if given.keys().isdisjoint(dimension.paths) else _fill_around(dimension, given)
            for dimension, fill in zip(self._dimensions, self._fills, strict=True)
        ]

    def _conditional_constants(self, component: Component) -> Iterator[tuple[Path, Json]]:
        for gate in component.rules.gates:
            for path in gate.paths:
                if path in self._constants:
                    yield path, self._constants[path]

    def _fits(self, values: Values, given: Mapping[Path, Json] | None, component: Component) -> bool:
        return component.rules.hold(values) and (given is None or self._has(values, given, component))

    def _has(self, values: Values, given: Mapping[Path, Json], component: Component) -> bool:
        behind = (path for gate in component.rules.gates for path in gate.paths)
        return all(path in values for path in behind if path in given)


def _stages(component: Component, dimensions: Sequence[Dimension]) -> list[_Stage]:
    """Return the stages of a draw: a constraint is evaluated as early as possible, to save later draws.

    If there are gates, constraints are evaluated last, after inactive parameters are removed.
    """
    left = dict.fromkeys(component.dimensions)
    stages: list[_Stage] = []
    constraints = () if component.rules.gates else component.rules.constraints
    for constraint in sorted(constraints, key=lambda each: len(each.reads)):
        needed = [place for place in left if not constraint.reads.isdisjoint(dimensions[place].paths)]
        stages.append((needed, constraint))
        for place in needed:
            del left[place]
    return [*stages, (list(left), None)]


def _fill(dimension: Dimension) -> Fill:
    quantile, paths = dimension.distribution.quantile, dimension.paths
    path = paths[0]

    def fill(values: Values, u: float) -> None:
        values[path] = quantile(u)

    def fill_row(values: Values, u: float) -> None:
        row = quantile(u)
        assert isinstance(row, list), "zipped parameters are drawn as rows"
        values.update(zip(paths, row, strict=True))

    return fill if len(paths) == 1 else fill_row


def _fill_around(dimension: Dimension, given: Mapping[Path, Json]) -> Fill:
    """Return a function that assigns the given value, or a row that matches the given values."""
    path = dimension.path
    if len(dimension.paths) == 1:
        value = given[path]

        def fill(values: Values, u: float) -> None:
            values[path] = value

        return fill
    rows = dimension.distribution.support or ()
    radix = Radix(dimension, rows)
    digits = radix.agreeing(given)
    if not digits:
        raise InfeasibleError(f"no row of {dimension.name} has the given values")

    def fill_row(values: Values, u: float) -> None:
        digit = digits[int(u * len(digits))]
        for member, path in enumerate(dimension.paths):
            values[path] = given.get(path, radix.value(digit, member))

    return fill_row


def _infeasible_message(component: Component) -> str:
    written = dict.fromkeys(constraint.text for constraint in component.rules.constraints)
    texts = ", ".join(f"`{text}`" for text in written)
    return f"none of {MAX_DRAWS:,} draws {f'satisfies {texts}' if texts else 'has the given values'}"
