"""Expression trees, and their compilation into functions of a point's values, which never raise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log, sqrt
from operator import add, floordiv, mod, mul, sub, truediv
from sys import float_info
from typing import Final

from sweepd.spec.point import Json, Number, Path


class ExpressionError(ValueError):
    """Error in an expression, with its offset in characters and a suggested correction, if any."""

    def __init__(self, message: str, offset: int, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message, self.offset, self.suggestion = message, offset, suggestion


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal value."""

    value: Json
    offset: int


@dataclass(frozen=True, slots=True)
class Read:
    """The value of a parameter, by its dotted name."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of values."""

    items: tuple["Node", ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """Call of a built-in function."""

    function: str
    arguments: tuple["Node", ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Not:
    """Logical negation of a condition."""

    operand: "Node"
    offset: int


@dataclass(frozen=True, slots=True)
class Step:
    """Operator of a chain and its right operand; `offset` is the offset of the operator."""

    sign: str
    operand: "Node"
    offset: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands joined from left to right by operators of the same precedence, in one flat node."""

    first: "Node"
    steps: tuple[Step, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Arithmetic(Chain):
    """A chain of + and -, of * / // and %, or a single **; a leading sign is parsed as 0 + x or 0 - x."""


@dataclass(frozen=True, slots=True)
class Comparison(Chain):
    """A chain of comparisons: `a < b <= c` is `a < b and b <= c`."""


@dataclass(frozen=True, slots=True)
class Joined(Chain):
    """Conditions joined by `and`, or by `or`."""


Node = Literal | Read | ListOf | Call | Not | Arithmetic | Comparison | Joined

FUNCTIONS: Final = ("min", "max", "abs", "log", "sqrt", "floor", "ceil", "len")


class Undefined:
    """Value of an inactive parameter, of 1 / 0 or of an overflow; every comparison with it is false."""

    __slots__ = ()


UNDEFINED: Final = Undefined()
Value = Json | Undefined

LARGEST: Final = int(float_info.max)
"""Largest number allowed: larger integers exceed the range of doubles."""

_MAX_BITS: Final = 1_024


def calculated(operation: Callable[..., Number], *operands: Value) -> Number | Undefined:
    """Apply an operation; return UNDEFINED if an operand is not a number or the result is undefined."""
    for operand in operands:
        if type(operand) is not int and type(operand) is not float:
            return UNDEFINED
    try:
        result = operation(*operands)
    except (ArithmeticError, ValueError):
        return UNDEFINED
    # The comparison is also False for NaN and infinities, and exact for integers beyond the range of doubles.
    return result if -LARGEST <= result <= LARGEST else UNDEFINED


def power(base: Number, exponent: Number) -> Number:
    """Return base ** exponent; raise ArithmeticError if it is undefined or would be too large."""
    if isinstance(base, int) and isinstance(exponent, int):
        if exponent < 0:
            return float(float(base) ** exponent)
        if (abs(base).bit_length() - 1) * exponent > _MAX_BITS:
            raise OverflowError("too large for a double")
        return int(base**exponent)
    result = base**exponent
    if isinstance(result, complex):
        raise ArithmeticError("no real number")
    return float(result)


OPERATIONS: Final[dict[str, Callable[[Number, Number], Number]]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": truediv,
    "//": floordiv,
    "%": mod,
    "**": power,
}
FUNCTIONS_OF_ONE: Final[dict[str, Callable[[Number], Number]]] = {
    "abs": abs,
    "log": log,
    "sqrt": sqrt,
    "floor": floor,
    "ceil": ceil,
}


def same(left: Value, right: Value) -> bool:
    """Return True if values are equal in expressions: 1 equals 1.0, but `true` does not equal 1."""
    kind = type(left)
    if kind is int or kind is float:
        return (type(right) is int or type(right) is float) and left == right
    if kind is not type(right):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return kind is not Undefined and left == right


def among(value: Value, whole: Value) -> bool | Undefined:
    """Return whether a list contains a value, or a string a substring; UNDEFINED for other operands."""
    if isinstance(value, Undefined):
        return UNDEFINED
    if isinstance(whole, str):
        return value in whole if isinstance(value, str) else UNDEFINED
    if isinstance(whole, list):
        return any(same(value, item) for item in whole)
    return UNDEFINED


def extremum(choose: Callable[[Sequence[Number]], Number], values: Value) -> Number | Undefined:
    """Return the minimum or maximum of a list of numbers; UNDEFINED for an empty list or anything else."""
    if not isinstance(values, list) or not values:
        return UNDEFINED
    numbers = [value for value in values if type(value) is int or type(value) is float]
    return choose(numbers) if len(numbers) == len(values) else UNDEFINED


Values = Mapping[Path, Json]
Evaluator = Callable[[Values], Value]
Test = Callable[[Values], bool]
_Relation = Callable[[Value, Value], bool]


def code_of(node: Node, path_of: Callable[[Read], Path]) -> Evaluator:
    """Compile a tree into a function of a point's values."""
    return _Compiler(path_of).code(node)


def test_of(node: Node, path_of: Callable[[Read], Path]) -> Test:
    """Compile a tree into a condition; any result other than true, including UNDEFINED, is false."""
    return _Compiler(path_of).test(node)


class _Compiler:
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

    def operated(values: Values) -> Value:  # inlines `calculated`, to count points faster
        first, second = left(values), right(values)
        if (type(first) is int or type(first) is float) and (type(second) is int or type(second) is float):
            try:
                result = operation(first, second)
            except (ArithmeticError, ValueError):
                return UNDEFINED
            return result if -LARGEST <= result <= LARGEST else UNDEFINED
        return UNDEFINED

    return operated


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
