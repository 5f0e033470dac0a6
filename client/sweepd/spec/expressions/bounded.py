"""Arithmetic on values that may be undefined, as is what doubles cannot hold or mathematics does not say."""

from collections.abc import Callable, Sequence
from math import ceil, floor, log, sqrt
from operator import add, floordiv, mod, mul, sub, truediv
from sys import float_info
from typing import Final

from sweepd.spec.point import Json, Number


class Undefined:
    """The value of an inactive parameter, of 1 / 0, of what is too large; any comparison with it is false."""

    __slots__ = ()


UNDEFINED: Final = Undefined()
Value = Json | Undefined

LARGEST: Final = int(float_info.max)
"""Largest number: an integer beyond it could not be compared with a double."""

_MOST_BITS: Final = 1_024


def calculated(operation: Callable[..., Number], *operands: Value) -> Number | Undefined:
    """Return what an operation makes of numbers; undefined where one is none, or the result is not."""
    for operand in operands:
        if type(operand) is not int and type(operand) is not float:
            return UNDEFINED
    try:
        result = operation(*operands)
    except (ArithmeticError, ValueError):
        return UNDEFINED
    # False for NaN and infinities too. Integers that are too large for a double can be compared with one.
    return result if -LARGEST <= result <= LARGEST else UNDEFINED


def power(base: Number, exponent: Number) -> Number:
    """Return base ** exponent, never beginning what would take long; ArithmeticError where undefined."""
    if isinstance(base, int) and isinstance(exponent, int):
        if exponent < 0:
            return float(float(base) ** exponent)
        if abs(base) > 1 and (abs(base).bit_length() - 1) * exponent > _MOST_BITS:
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
    """Tell whether values are equal as the language sees them: 1 and 1.0 are, `true` and 1 are not."""
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
    """Tell whether a list has a value, or a text another one; undefined where that is no question."""
    if isinstance(value, Undefined):
        return UNDEFINED
    if isinstance(whole, str):
        return value in whole if isinstance(value, str) else UNDEFINED
    if isinstance(whole, list):
        return any(same(value, item) for item in whole)
    return UNDEFINED


def extremum(choose: Callable[[Sequence[Number]], Number], values: Value) -> Number | Undefined:
    """Return the smallest or the largest of a list of numbers; undefined where it is none, or empty."""
    if not isinstance(values, list) or not values:
        return UNDEFINED
    numbers = [value for value in values if type(value) is int or type(value) is float]
    return choose(numbers) if len(numbers) == len(values) else UNDEFINED
