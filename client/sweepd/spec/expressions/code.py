"""Compiler of trees into functions of a point's values that never raise: no answer is undefined."""

from collections.abc import Callable, Mapping
from typing import Final

from sweepd.spec.expressions.bounded import (
    FUNCTIONS_OF_ONE,
    OPERATIONS,
    UNDEFINED,
    Undefined,
    Value,
    among,
    calculated,
    extremum,
    same,
)
from sweepd.spec.expressions.tree import (
    Arithmetic,
    Call,
    Comparison,
    Joined,
    ListOf,
    Literal,
    Negated,
    Node,
    Not,
    Read,
)
from sweepd.spec.parameter import Path
from sweepd.spec.point import Json, Number

Values = Mapping[Path, Json]
Evaluator = Callable[[Values], Value]
Test = Callable[[Values], bool]
_Relation = Callable[[Value, Value], bool]


def code_of(node: Node, path_of: Callable[[Read], Path]) -> Evaluator:
    """Return the function that a tree is."""
    return _Coder(path_of).code(node)


def test_of(node: Node, path_of: Callable[[Read], Path]) -> Test:
    """Return the condition that a tree is; what is not true, undefined included, is false."""
    return _Coder(path_of).test(node)


class _Coder:
    def __init__(self, path_of: Callable[[Read], Path]) -> None:
        self._path_of = path_of

    def test(self, node: Node) -> Test:
        match node:
            case Not(operand=operand):
                inner = self.test(operand)
                return lambda values: not inner(values)
            case Joined(first=first, steps=steps):
                tests = [self.test(each) for each in (first, *(step.operand for step in steps))]
                return _any(tests) if steps[0].sign == "or" else _all(tests)
            case Comparison():
                return self._comparison(node)
            case _:
                code = self.code(node)
                return lambda values: code(values) is True

    def code(self, node: Node) -> Evaluator:
        match node:
            case Literal(value=value):
                return lambda values: value
            case Read():
                path = self._path_of(node)
                return lambda values: values.get(path, UNDEFINED)
            case ListOf(items=items):
                return _list([self.code(item) for item in items])
            case Negated(operand=operand):
                inner = self.code(operand)
                return lambda values: calculated(_negative, inner(values))
            case Arithmetic(first=first, steps=steps):
                code = self.code(first)
                if len(steps) == 1:
                    return _operation(steps[0].sign, code, self.code(steps[0].operand))
                return _chain(code, [(step.sign, self.code(step.operand)) for step in steps])
            case Call():
                return self._call(node)
            case Not() | Joined() | Comparison():
                return self.test(node)

    def _call(self, node: Call) -> Evaluator:
        arguments = [self.code(argument) for argument in node.arguments]
        first = arguments[0]
        if node.function == "len":
            return lambda values: _length(first(values))
        if node.function in FUNCTIONS_OF_ONE:
            function = FUNCTIONS_OF_ONE[node.function]
            return lambda values: calculated(function, first(values))
        choose = min if node.function == "min" else max
        of = first if len(arguments) == 1 else _list(arguments)
        return lambda values: extremum(choose, of(values))

    def _comparison(self, node: Comparison) -> Test:
        links = []
        left = self.code(node.first)
        for step in node.steps:
            right = self.code(step.operand)
            links.append(_compared(RELATIONS[step.sign], left, right))
            left = right
        return links[0] if len(links) == 1 else _all(links)


def _all(tests: list[Test]) -> Test:
    if len(tests) == 2:
        left, right = tests
        return lambda values: left(values) and right(values)
    return lambda values: all(test(values) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda values: any(test(values) for test in tests)


def _list(items: list[Evaluator]) -> Evaluator:
    def listed(values: Values) -> Value:
        whole: list[Json] = []
        for item in items:
            value = item(values)
            if isinstance(value, Undefined):
                return UNDEFINED
            whole.append(value)
        return whole

    return listed


def _operation(sign: str, left: Evaluator, right: Evaluator) -> Evaluator:
    operation = OPERATIONS[sign]
    return lambda values: calculated(operation, left(values), right(values))


def _chain(first: Evaluator, steps: list[tuple[str, Evaluator]]) -> Evaluator:
    operations = [(OPERATIONS[sign], code) for sign, code in steps]

    def chained(values: Values) -> Value:
        result = first(values)
        for operation, code in operations:
            result = calculated(operation, result, code(values))
        return result

    return chained


def _compared(relation: _Relation, left: Evaluator, right: Evaluator) -> Test:
    return lambda values: relation(left(values), right(values))


def _negative(number: Number) -> Number:
    return -number


def _length(value: Value) -> Value:
    return len(value) if isinstance(value, str | list | dict) else UNDEFINED


def _differ(left: Value, right: Value) -> bool:
    return left is not UNDEFINED and right is not UNDEFINED and not same(left, right)


def _ordered(left: Value, right: Value) -> bool:
    kind, other = type(left), type(right)
    if kind is int or kind is float:
        return other is int or other is float
    return kind is str and other is str


def _less(left: Value, right: Value) -> bool:
    return _ordered(left, right) and left < right  # type: ignore[operator]  # both are numbers, or both text


def _at_most(left: Value, right: Value) -> bool:
    return _ordered(left, right) and left <= right  # type: ignore[operator]  # as above


RELATIONS: Final[dict[str, _Relation]] = {
    "==": same,
    "!=": _differ,
    "<": _less,
    "<=": _at_most,
    ">": lambda left, right: _less(right, left),
    ">=": lambda left, right: _at_most(right, left),
    "in": lambda left, right: among(left, right) is True,
    "not in": lambda left, right: among(left, right) is False,
}
