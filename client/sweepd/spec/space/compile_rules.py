"""From the texts of a sweep to its leaves, rules and dimensions, with everything that is wrong with them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sweepd.spec.distributions.discrete import Constant
from sweepd.spec.distributions.distribution import Distribution
from sweepd.spec.expressions.expression import Expression, ExpressionError, parse_expression
from sweepd.spec.expressions.scope import Scope
from sweepd.spec.finding import Code, Finding
from sweepd.spec.limits import MAX_ERRORS
from sweepd.spec.parameter import Group, ParameterNode, Path, dotted, in_order, leaves
from sweepd.spec.point import Json
from sweepd.spec.space.dimension import Dimension, Zip, zip_of
from sweepd.spec.space.rules import CircleError, Gate, Leaf, Rules, gates_of, in_turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Dimensions and rules of a sweep, without what has a finding."""

    parameters: Mapping[str, ParameterNode]
    leaves: tuple[Leaf, ...]
    dimensions: tuple[Dimension, ...]
    rules: Rules
    expressions: tuple[tuple[str, Expression], ...]
    """All of them, each with the path that findings give it."""
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
    """Return the compiled sweep."""
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
        return Scope.of(self._distributions.items())  # most sweeps need none

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
        gates, circles = gates_of(listed), 0
        while True:
            try:
                ordered = in_turn(gates)
            except CircleError as circle:
                path = f"parameters.{dotted(circle.paths[0])}.when"
                self._found(path, "circular-condition", f"conditions that wait for each other: {circle}")
                circles += 1
                gates = [gate for gate in gates if not set(gate.paths).intersection(circle.paths)]
            else:
                return [] if circles else ordered
            if self._has_enough:
                return []

    def zips(self, names: Sequence[Sequence[str]]) -> dict[Path, Zip]:
        """Return the zip of each parameter that is in one."""
        found: dict[Path, Zip] = {}
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
                self._found(f"zip.{place}", "bad-zip", f"`{dotted(twice)}` is in another zip already")
                continue
            found.update(dict.fromkeys(zipped.paths, zipped))
        return found

    @property
    def _has_enough(self) -> bool:
        """Tell whether more findings would not be shown: each costs time to word."""
        return len(self.findings) >= MAX_ERRORS

    def _found(self, path: str, code: Code, message: str, suggestion: str | None = None) -> None:
        self.findings.append(Finding(path=path, message=message, code=code, suggestion=suggestion))


def _dimensions(listed: Sequence[Leaf], zips: Mapping[Path, Zip]) -> Iterator[Dimension]:
    conditional = {leaf.path for leaf in listed if leaf.conditions}
    for leaf in listed:
        zipped = zips.get(leaf.path)
        if zipped is not None:
            if leaf.path == zipped.paths[0]:
                may_be_left_out = not conditional.isdisjoint(zipped.paths)
                yield Dimension(paths=zipped.paths, distribution=zipped.rows, conditional=may_be_left_out)
        elif not isinstance(leaf.distribution, Constant):
            yield Dimension(
                paths=(leaf.path,), distribution=leaf.distribution, conditional=leaf.path in conditional
            )
