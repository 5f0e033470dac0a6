"""Rules of a space: gates and constraints, compiled from expressions, and independent components."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from sweepd.spec.distributions.discrete import Constant
from sweepd.spec.distributions.distribution import Distribution
from sweepd.spec.expressions.evaluation import ExpressionError
from sweepd.spec.expressions.expression import Expression, Scope, parse_expression
from sweepd.spec.finding import Code, Finding
from sweepd.spec.limits import MAX_ERRORS
from sweepd.spec.point import Group, Json, ParameterNode, Path, dotted, in_order, leaves
from sweepd.spec.space.dimension import Dimension, zip_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A parameter that is not a group; a constant belongs to no dimension."""

    path: Path
    distribution: Distribution
    conditions: tuple[Expression, ...]
    """The `when` of each enclosing group, outermost first, then that of the parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Parameters with the same conditions: they are active if and only if all of these hold."""

    conditions: tuple[Expression, ...]
    paths: tuple[Path, ...]
    reads: frozenset[Path]

    def is_open(self, values: Mapping[Path, Json]) -> bool:
        """Return True if the parameters are active, given `values`, which omit inactive parameters."""
        return all(condition.holds(values) for condition in self.conditions)

    def close(self, values: dict[Path, Json], closed: "dict[Path, Gate]") -> None:
        """Remove the parameters from an assignment, and map each to this gate in `closed`."""
        for path in self.paths:
            values.pop(path, None)
            closed[path] = self

    @property
    def text(self) -> str:
        """The conditions as written."""
        return " and ".join(condition.text for condition in self.conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The gates, each after the gates it depends on, and the constraints."""

    gates: tuple[Gate, ...] = ()
    constraints: tuple[Expression, ...] = ()

    def split(self) -> "Rules":
        """Return the same rules with each constraint split into its conjuncts."""
        parts = (constraint.conjuncts or (constraint,) for constraint in self.constraints)
        return replace(self, constraints=tuple(part for each in parts for part in each))

    def close(self, values: dict[Path, Json]) -> dict[Path, Gate]:
        """Remove the inactive parameters from an assignment, and return them with their gates."""
        closed: dict[Path, Gate] = {}
        for gate in self.gates:
            if not gate.is_open(values):
                gate.close(values, closed)
        return closed

    def hold(self, values: Mapping[Path, Json]) -> bool:
        """Return True if the values of the active parameters satisfy the constraints."""
        return all(constraint.holds(values) for constraint in self.constraints)


def gates_of(leaves: Sequence[Leaf]) -> list[Gate]:
    """Return the gates of parameters, in the order of the first parameter of each."""
    behind: dict[tuple[int, ...], list[Leaf]] = {}
    for leaf in leaves:
        if leaf.conditions:
            behind.setdefault(tuple(map(id, leaf.conditions)), []).append(leaf)
    return [
        Gate(
            conditions=members[0].conditions,
            paths=tuple(leaf.path for leaf in members),
            reads=frozenset().union(*(condition.reads for condition in members[0].conditions)),
        )
        for members in behind.values()
    ]


def gate_numbers(gates: Sequence[Gate]) -> dict[Path, int]:
    """Return the index of the gate of each conditional parameter."""
    return {path: number for number, gate in enumerate(gates) for path in gate.paths}


def in_dependency_order(gates: Sequence[Gate]) -> tuple[list[Gate], list[Path]]:
    """Return the gates, each after those it depends on; for a cycle, return no gates and the cycle's paths.

    Each path in a cycle depends on the next one.
    """
    behind = gate_numbers(gates)
    before = {
        place: sorted({behind[path] for path in gate.reads if path in behind})
        for place, gate in enumerate(gates)
    }
    try:
        return [gates[place] for place in TopologicalSorter(before).static_order()], []
    except CycleError as error:
        cycle: list[int] = error.args[1][::-1]  # reversed, so that each gate reads the next one
        return [], [min(gates[a].reads.intersection(gates[b].paths)) for a, b in pairwise(cycle)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Dimensions, by index in the space, and the rules that concern only these dimensions."""

    dimensions: tuple[int, ...]
    rules: Rules

    @property
    def reads(self) -> frozenset[Path]:
        """Parameters that the conditions and constraints read."""
        gates = (gate.reads for gate in self.rules.gates)
        return frozenset().union(*gates, *(constraint.reads for constraint in self.rules.constraints))


def components_of(
    leaves: Sequence[Leaf], dimensions: Sequence[Dimension], rules: Rules
) -> tuple[Component, ...]:
    """Return the components that have rules; no rule concerns the other dimensions.

    An unconditional constant connects no dimensions.
    """
    varying = {path for dimension in dimensions for path in dimension.paths}
    varying.update(leaf.path for leaf in leaves if leaf.conditions)
    sets = _DisjointSets(varying)
    for dimension in dimensions:
        sets.join(dimension.paths)
    for gate in rules.gates:
        sets.join((*gate.paths, *(path for path in gate.reads if path in varying)))
    for constraint in rules.constraints:
        sets.join(path for path in constraint.reads if path in varying)

    places: dict[Path | None, list[int]] = {}
    for place, dimension in enumerate(dimensions):
        places.setdefault(sets.root(dimension.path), []).append(place)
    gates: dict[Path | None, list[Gate]] = {}
    for gate in rules.gates:
        gates.setdefault(sets.root(gate.paths[0]), []).append(gate)
    constraints: dict[Path | None, list[Expression]] = {}
    for constraint in rules.constraints:
        read = next((path for path in constraint.reads if path in varying), None)
        constraints.setdefault(None if read is None else sets.root(read), []).append(constraint)

    return tuple(
        Component(
            dimensions=tuple(places.get(root, ())),
            rules=Rules(gates=tuple(gates.get(root, ())), constraints=tuple(constraints.get(root, ()))),
        )
        for root in dict.fromkeys((*gates, *constraints))
    )


def merged(components: Sequence[Component]) -> Component:
    """Merge several components into one."""
    return Component(
        dimensions=tuple(place for component in components for place in component.dimensions),
        rules=Rules(
            gates=tuple(gate for component in components for gate in component.rules.gates),
            constraints=tuple(each for component in components for each in component.rules.constraints),
        ),
    )


class _DisjointSets:
    """Disjoint-set forest of paths, with path halving: Tarjan, van Leeuwen (1984)."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._parents = {path: path for path in paths}

    def root(self, path: Path) -> Path:
        parents = self._parents
        while parents[path] != path:
            parents[path] = parents[parents[path]]
            path = parents[path]
        return path

    def join(self, paths: Iterable[Path]) -> None:
        roots = [self.root(path) for path in paths]
        for other in roots[1:]:
            self._parents[self.root(other)] = self.root(roots[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Dimensions and rules of a sweep, without invalid ones, which are reported in `findings`."""

    parameters: Mapping[str, ParameterNode]
    leaves: tuple[Leaf, ...]
    dimensions: tuple[Dimension, ...]
    rules: Rules
    expressions: tuple[tuple[str, Expression], ...]
    """All expressions, each with its path in findings."""
    findings: tuple[Finding, ...]

    @property
    def constants(self) -> dict[Path, Json]:
        """The values of all constants, conditional or not."""
        return {
            leaf.path: leaf.distribution.value
            for leaf in self.leaves
            if isinstance(leaf.distribution, Constant)
        }


def compile_rules(
    parameters: Mapping[str, ParameterNode],
    constraints: Sequence[str] = (),
    zips: Sequence[Sequence[str]] = (),
) -> Compiled:
    """Compile the conditions, constraints and zips of a sweep."""
    ordered = in_order(parameters)
    compiler = _Compiler({path: leaf.distribution for path, leaf in leaves(ordered)})
    listed = tuple(compiler.leaves(ordered, (), ()))
    gates = compiler.gates(listed)
    parsed = [compiler.expression(text, f"constraints.{place}") for place, text in enumerate(constraints)]
    return Compiled(
        parameters=ordered,
        leaves=listed,
        dimensions=tuple(_dimensions(listed, compiler.zips(zips))),
        rules=Rules(gates=tuple(gates), constraints=tuple(each for each in parsed if each is not None)),
        expressions=tuple(compiler.expressions),
        findings=tuple(compiler.findings),
    )


class _Compiler:
    def __init__(self, distributions: Mapping[Path, Distribution]) -> None:
        self._distributions = distributions
        self.findings: list[Finding] = []
        self.expressions: list[tuple[str, Expression]] = []

    @cached_property
    def _scope(self) -> Scope:
        return Scope(self._distributions)  # built lazily, as most sweeps need none

    def expression(self, text: str, path: str) -> Expression | None:
        if self._has_enough:
            return None
        try:
            parsed = parse_expression(text, self._scope)
        except ExpressionError as error:
            message = f"{error.message} (character {error.offset + 1})"
            self._found(path, "bad-expression", message, error.suggestion)
            return None
        self.expressions.append((path, parsed))
        return parsed

    def leaves(
        self, nodes: Mapping[str, ParameterNode], outer: Path, conditions: tuple[Expression, ...]
    ) -> Iterator[Leaf]:
        for name, node in nodes.items():
            path = (*outer, name)
            own = None if node.when is None else self.expression(node.when, f"parameters.{dotted(path)}.when")
            all_of_them = conditions if own is None else (*conditions, own)
            if isinstance(node, Group):
                yield from self.leaves(node.parameters, path, all_of_them)
            else:
                yield Leaf(path=path, distribution=node.distribution, conditions=all_of_them)

    def gates(self, listed: Sequence[Leaf]) -> list[Gate]:
        gates = gates_of(listed)
        ordered, cycle = in_dependency_order(gates)
        is_circular = bool(cycle)
        while cycle and not self._has_enough:
            names = " -> ".join(map(dotted, (*cycle, cycle[0])))
            path, message = (
                f"parameters.{dotted(cycle[0])}.when",
                f"conditions that depend on each other: {names}",
            )
            self._found(path, "circular-condition", message)
            gates = [gate for gate in gates if not set(gate.paths).intersection(cycle)]
            ordered, cycle = in_dependency_order(gates)
        return [] if is_circular else ordered

    def zips(self, names: Sequence[Sequence[str]]) -> dict[Path, Dimension]:
        """Return the dimension of each zipped parameter."""
        found: dict[Path, Dimension] = {}
        for place, each in enumerate(names):
            if self._has_enough:
                break
            try:
                zipped = zip_of(each, self._scope, self._distributions)
            except ExpressionError as error:
                self._found(f"zip.{place}", "bad-zip", error.message, error.suggestion)
                continue
            twice = next((path for path in zipped.paths if path in found), None)
            if twice is not None:
                self._found(f"zip.{place}", "bad-zip", f"`{dotted(twice)}` is already in another zip")
                continue
            found.update(dict.fromkeys(zipped.paths, zipped))
        return found

    @property
    def _has_enough(self) -> bool:
        """True if there are as many findings as can be shown."""
        return len(self.findings) >= MAX_ERRORS

    def _found(self, path: str, code: Code, message: str, suggestion: str | None = None) -> None:
        self.findings.append(Finding(path=path, message=message, code=code, suggestion=suggestion))


def _dimensions(listed: Sequence[Leaf], zips: Mapping[Path, Dimension]) -> Iterator[Dimension]:
    conditional = {leaf.path for leaf in listed if leaf.conditions}
    for leaf in listed:
        if leaf.path not in zips and isinstance(leaf.distribution, Constant):
            continue
        found = zips.get(leaf.path) or Dimension(paths=(leaf.path,), distribution=leaf.distribution)
        if leaf.path == found.path:
            yield replace(found, conditional=not conditional.isdisjoint(found.paths))
