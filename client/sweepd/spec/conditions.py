"""Checks all expressions of a sweep together: names, types, circles, and what can never or always hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sweepd.spec.compile_rules import Compiled, compile_rules
from sweepd.spec.discrete import Constant
from sweepd.spec.expression import Expression
from sweepd.spec.finding import Finding
from sweepd.spec.parameter import ParameterNode, Path
from sweepd.spec.rules import Rules
from sweepd.spec.walk import Walk
from sweepd.spec.wheel import Wheel

__all__ = ["Finding", "check_expressions"]

_SMALL = 10_000
"""Most combinations that are tried for one expression."""

_BUDGET = 50_000
"""Most for all expressions of a sweep: a file full of them must not take long."""


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
    for path, expression in compiled.expressions:
        walk = _walk(compiled, expression)
        if walk is None or walk.combinations > min(_SMALL, left):
            continue
        answers, tried = _answers(walk, expression)
        left -= tried
        if len(answers) == 1:
            word = "always" if answers.pop() else "never"
            message = f"`{expression.text}` {word} holds, whatever the parameters are"
            yield Finding(path=path, message=message, code=f"{word}-holds", severity="warning")


def _answers(walk: Walk, expression: Expression) -> tuple[set[bool], int]:
    """Return what the expression says, until it has said both, and after how many combinations."""
    answers: set[bool] = set()
    start = 0
    while len(answers) < 2:
        index, values = walk.next(start, walk.combinations)
        if values is None:
            break
        answers.add(expression.holds(values))
        start = index + 1
    return answers, start


def _walk(compiled: Compiled, expression: Expression) -> Walk | None:
    """Return the way through all that an expression can meet; None if there is no end to it."""
    paths = _concerned(compiled, expression)
    wheels = []
    for dimension in compiled.dimensions:
        if not paths.isdisjoint(dimension.paths):
            support = dimension.distribution.support
            if support is None:
                return None
            wheels.append(Wheel(dimension, support))
    gates = [
        replace(gate, paths=tuple(path for path in gate.paths if path in paths))
        for gate in compiled.rules.gates
        if not paths.isdisjoint(gate.paths)
    ]
    constants = {
        leaf.path: leaf.distribution.value
        for leaf in compiled.leaves
        if isinstance(leaf.distribution, Constant)
    }
    return Walk(wheels, Rules(gates=tuple(gates)), constants)


def _concerned(compiled: Compiled, expression: Expression) -> set[Path]:
    """Return what an expression reads, what decides whether that is there, and what is zipped with it."""
    paths: set[Path] = set()
    reads = set(expression.reads)
    while reads:
        paths |= reads
        reads = {
            path for gate in compiled.rules.gates if not paths.isdisjoint(gate.paths) for path in gate.reads
        }
        reads |= {
            path
            for dimension in compiled.dimensions
            if not paths.isdisjoint(dimension.paths)
            for path in dimension.paths
        }
        reads -= paths
    return paths
