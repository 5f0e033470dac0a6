"""The parts of a space that know nothing of each other: parameters that expressions connect stay together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sweepd.spec.expressions.expression import Expression
from sweepd.spec.parameter import Path
from sweepd.spec.space.dimension import Dimension
from sweepd.spec.space.rules import Gate, Leaf, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Dimensions, by their places in the space, and the rules that concern these and no others."""

    dimensions: tuple[int, ...]
    rules: Rules

    @property
    def reads(self) -> frozenset[Path]:
        """What its conditions and constraints read."""
        gates = (gate.reads for gate in self.rules.gates)
        return frozenset().union(*gates, *(constraint.reads for constraint in self.rules.constraints))


def components_of(
    leaves: Sequence[Leaf], dimensions: Sequence[Dimension], rules: Rules
) -> tuple[Component, ...]:
    """Return the components that have rules; no rule concerns the dimensions that are in none.

    What is always there with the same value connects nothing.
    """
    varying = {path for dimension in dimensions for path in dimension.paths}
    varying.update(leaf.path for leaf in leaves if leaf.conditions)
    sets = _Sets(varying)
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
    """Return several components as one."""
    return Component(
        dimensions=tuple(place for component in components for place in component.dimensions),
        rules=Rules(
            gates=tuple(gate for component in components for gate in component.rules.gates),
            constraints=tuple(each for component in components for each in component.rules.constraints),
        ),
    )


class _Sets:
    """Disjoint sets of paths. Tarjan (1975), with path halving."""

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
