"""Points of a space: conversion to and from values by path, and reasons why a point is not in the space."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sweepd.spec.distributions.discrete import Constant
from sweepd.spec.distributions.distribution import Distribution, refusal
from sweepd.spec.expressions.expression import Expression
from sweepd.spec.point import Group, Json, Parameter, ParameterNode, Path, Point, dotted, leaves
from sweepd.spec.space.dimension import Dimension, Radix
from sweepd.spec.space.rules import Gate, Rules
from sweepd.spec.wording import printable


def assembled(parameters: Mapping[str, ParameterNode], values: Iterator[Json]) -> Point:
    """Build a point from the values of all non-constant parameters, given in order."""
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
    """Build a point from values by path; omit parameters without a value, and empty groups."""
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
    """Yield the path and value of each parameter in a point; skip unknown names."""
    for name, node in parameters.items():
        if name not in point:
            continue
        value = point[name]
        if isinstance(node, Parameter):
            yield (*outer, name), value
        elif isinstance(value, Mapping):
            yield from values_of(node.parameters, value, (*outer, name))


def value_at(point: Mapping[str, Json], path: Path) -> Json:
    """Return the value of one parameter of a point; raise ValueError if it is missing."""
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
    """Return the part of a point that belongs to its active parameters.

    Whole floats become integers if the parameter requires integers. Invalid values are kept, and missing ones
    are not added: `violations` reports both.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Membership test of a space; `dimensions` are its zips, and `constants` includes conditional ones."""

    parameters: Mapping[str, ParameterNode]
    dimensions: Sequence[Dimension]
    rules: Rules
    constants: Mapping[Path, Json]

    def violations(self, point: Mapping[str, Json]) -> tuple[str, ...]:
        """Return messages about missing, unused, invalid or unknown values and broken zips or constraints."""
        has_rules = self.rules.gates or self.rules.constraints or self.dimensions
        values = dict(values_of(self.parameters, point)) if has_rules else {}
        return self._in_words(point, values, self.rules.close(values), is_partial=False)

    def partial_violations(self, partial: Mapping[str, Json]) -> tuple[str, ...]:
        """Return reasons why no point can have the values of a partial point; not every reason is found."""
        given = dict(values_of(self.parameters, partial))
        conditional = {path for gate in self.rules.gates for path in gate.paths}
        values = {path: value for path, value in self.constants.items() if path not in conditional} | given
        closed: dict[Path, Gate] = {}
        for gate in self.rules.gates:
            if not all(path in values or path in closed for path in gate.reads):
                continue
            if not gate.is_open(values):
                gate.close(values, closed)
                continue
            for path in self.constants.keys() & gate.paths:
                values.setdefault(path, self.constants[path])
        return self._in_words(partial, values, closed, is_partial=True)

    def to_unit(self, point: Mapping[str, Json], dimensions: Sequence[Dimension]) -> tuple[float | None, ...]:
        """Return the unit coordinates of a point, with None for each dimension that has no active parameter.

        Raises:
            ValueError: a value is missing or has no coordinate.
        """
        values = dict(values_of(self.parameters, point))
        closed = self.rules.close(values)
        return tuple(_coordinate(dimension, values, closed) for dimension in dimensions)

    def _in_words(
        self,
        point: Mapping[str, Json],
        values: Mapping[Path, Json],
        closed: Mapping[Path, Gate],
        *,
        is_partial: bool,
    ) -> tuple[str, ...]:
        words = [
            message
            for message, is_absence in _entries(self.parameters, point, (), closed)
            if not (is_partial and is_absence)
        ]
        if not words:
            words += _missing_rows(self.dimensions, values)
            known = values.keys() | closed.keys()
            for constraint in self.rules.constraints:
                if (constraint.reads <= known or not is_partial) and not constraint.holds(values):
                    words.append(_broken(constraint, values))
        return tuple(words)


def _coordinate(dimension: Dimension, values: Mapping[Path, Json], closed: Container[Path]) -> float | None:
    active = [path for path in dimension.paths if path not in closed]
    for path in active:
        if path not in values:
            raise ValueError(f"{dotted(path)} is missing")
    if not active:
        return None
    if len(dimension.paths) == 1:
        return dimension.distribution.to_unit(values[active[0]])
    radix = Radix(dimension, dimension.distribution.support or ())
    digits = radix.agreeing({path: values[path] for path in active})
    if not digits:
        raise ValueError(f"{dimension.name}: no row has these values")
    return dimension.distribution.to_unit(radix.choices[digits[0]])


def _entries(
    parameters: Mapping[str, ParameterNode],
    point: Mapping[str, Json],
    outer: Path,
    closed: Mapping[Path, Gate],
) -> Iterator[tuple[str, bool]]:
    """Yield a message about each wrong entry, and whether the entry is missing."""
    for name, node in parameters.items():
        path = (*outer, name)
        if name not in point:
            if _is_expected(node, path, closed):
                yield f"{dotted(path)} is missing", True
            continue
        value = point[name]
        if isinstance(node, Group):
            if not isinstance(value, Mapping):
                yield f"{dotted(path)} must be a mapping", False
            elif not value and node.parameters and not _is_expected(node, path, closed):
                first, _ = next(leaves(node.parameters, path))
                yield _unused(path, closed[first]), False
            else:
                yield from _entries(node.parameters, value, path, closed)
        elif path in closed:
            yield _unused(path, closed[path]), False
        elif not node.distribution.contains(value):
            yield f"{dotted(path)}: {refusal(node.distribution, value)}", False
    for name in point:
        if name not in parameters:
            yield f"{dotted((*outer, name))} is not a parameter", False


def _is_expected(node: ParameterNode, path: Path, closed: Container[Path]) -> bool:
    if isinstance(node, Group):
        return any(inner not in closed for inner, _ in leaves(node.parameters, path))
    return path not in closed


def _unused(path: Path, gate: Gate) -> str:
    return f"{dotted(path)} is used only if `{printable(gate.text)}` holds"


def _missing_rows(dimensions: Sequence[Dimension], values: Mapping[Path, Json]) -> Iterator[str]:
    for dimension in dimensions:
        given = {path: values[path] for path in dimension.paths if path in values}
        if len(given) > 1 and not Radix(dimension, dimension.distribution.support or ()).agreeing(given):
            names = " and ".join(dotted(path) for path in given)
            row = " and ".join(f"{value!r:.80}" for value in given.values())
            yield f"{names} are zipped, and no row has {row}"


def _broken(constraint: Expression, values: Mapping[Path, Json]) -> str:
    reads = [
        f"{dotted(path)} = {values[path]!r:.80}" if path in values else f"{dotted(path)} not used"
        for path in sorted(constraint.reads)
    ]
    where = f" with {', '.join(reads)}" if reads else ""
    return f"the constraint `{printable(constraint.text)}` does not hold{where}"
