"""Checks all expressions of a sweep together: names, types, circles, and what can never or always hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sweepd.spec.expressions.expression import Expression
from sweepd.spec.finding import Code, Finding
from sweepd.spec.parameter import ParameterNode, Path
from sweepd.spec.point import Json
from sweepd.spec.space.dimension import Dimension, Radix
from sweepd.spec.space.rules import Compiled, Gate, Rules, compile_rules, gate_numbers
from sweepd.spec.space.walk import Walk

_SMALL = 10_000
"""Most combinations that are tried for one expression."""

_BUDGET = 50_000
"""Most for all expressions of a sweep: a file full of them must not take long."""

_LEAST_TRIED = 10
"""Least cost of an expression, however few combinations there are."""


def check_expressions(
    parameters: Mapping[str, ParameterNode],
    constraints: Sequence[str] = (),
    zips: Sequence[Sequence[str]] = (),
) -> list[Finding]:
    """Return what is wrong with the conditions, the constraints and the zips of a sweep.

    Only where there is no error are there warnings: of what never or always holds, where all that it can meet
    can be tried.
    """
    compiled = compile_rules(parameters, constraints, zips)
    return list(compiled.findings) or list(_warnings(compiled))


def _warnings(compiled: Compiled) -> Iterator[Finding]:
    left = _BUDGET
    surroundings = _Surroundings.of(compiled)
    for path, expression in compiled.expressions:
        walk = surroundings.walk(expression)
        if walk is None or walk.combinations > min(_SMALL, left):
            continue
        answers, tried = _answers(walk, expression)
        left -= max(tried, _LEAST_TRIED)
        if len(answers) == 1:
            always = answers.pop()
            word = "always" if always else "never"
            message = f"`{expression.text}` {word} holds, whatever the parameters are"
            code: Code = "always-holds" if always else "never-holds"
            yield Finding(path=path, message=message, code=code, severity="warning")


def _answers(walk: Walk, expression: Expression) -> tuple[set[bool], int]:
    """Return the answers of an expression, up to both, and how many combinations that took."""
    answers: set[bool] = set()
    start = 0
    while len(answers) < 2:
        index, values = walk.next(start, walk.combinations)
        if values is None:
            break
        answers.add(expression.holds(values))
        start = index + 1
    return answers, start


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """Gates and zips of the parameters, each by its place in the sweep."""

    dimensions: Sequence[Dimension]
    gates: Sequence[Gate]
    dimension_of: Mapping[Path, int]
    gate_of: Mapping[Path, int]
    constants: Mapping[Path, Json]

    @classmethod
    def of(cls, compiled: Compiled) -> "_Surroundings":
        """Return those of a sweep."""
        return cls(
            dimensions=compiled.dimensions,
            gates=compiled.rules.gates,
            dimension_of={
                path: place for place, each in enumerate(compiled.dimensions) for path in each.paths
            },
            gate_of=gate_numbers(compiled.rules.gates),
            constants=compiled.constants,
        )

    def walk(self, expression: Expression) -> Walk | None:
        """Return the way through all that an expression can meet; None if that is too much to try."""
        paths = self._concerned(expression)
        if paths is None:
            return None
        radices = []
        for place in sorted({self.dimension_of[path] for path in paths if path in self.dimension_of}):
            dimension = self.dimensions[place]
            support = dimension.distribution.support
            assert support is not None, "what has no end is too much"
            radices.append(Radix(dimension, support))
        gates = []
        for place in sorted({self.gate_of[path] for path in paths if path in self.gate_of}):
            gate = self.gates[place]
            gates.append(replace(gate, paths=tuple(path for path in gate.paths if path in paths)))
        constants = {path: self.constants[path] for path in paths if path in self.constants}
        return Walk(radices, Rules(gates=tuple(gates)), constants)

    def _concerned(self, expression: Expression) -> set[Path] | None:
        """Return what an expression reads, what decides whether that is there, and what is zipped with it."""
        concerned: set[Path] = set()
        combinations = 1
        dimensions: set[int] = set()
        ahead = list(expression.reads)
        while ahead:
            path = ahead.pop()
            if path in concerned:
                continue
            concerned.add(path)
            if path in self.gate_of:
                ahead.extend(self.gates[self.gate_of[path]].reads)
            place = self.dimension_of.get(path)
            if place is not None and place not in dimensions:
                dimensions.add(place)
                ahead.extend(self.dimensions[place].paths)
                size = self.dimensions[place].distribution.size
                if size is None or combinations * size > _SMALL:
                    return None
                combinations *= size
        return concerned
