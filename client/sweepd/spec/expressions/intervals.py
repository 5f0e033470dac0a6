"""Interval evaluation: test whether an expression can hold if some of its parameters have no value yet.

A numeric parameter without a value is represented by an interval. Arithmetic is applied to the ends of
intervals. Floating-point rounding is monotone, so every possible result is between the resulting ends. Other
parameters without a value may have any value.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sweepd.spec.expressions.evaluation import (
    OPERATIONS,
    RELATIONS,
    UNDEFINED,
    Arithmetic,
    Call,
    Comparison,
    Evaluator,
    Joined,
    Literal,
    Node,
    Not,
    Read,
    Undefined,
    Value,
    calculated,
    code_of,
)
from sweepd.spec.point import Json, Number, Path


@dataclass(frozen=True, slots=True)
class Known:
    """A known value; with `may_lack`, the value may also be undefined, because a parameter is inactive."""

    value: Value
    may_lack: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """A number from low to high; with `may_lack`, it may also be undefined."""

    low: Number
    high: Number
    may_lack: bool = False


class Anything:
    """Any value, or undefined."""

    __slots__ = ()


ANYTHING: Final = Anything()
ABSENT: Final = Known(UNDEFINED)
Interval = Known | Between | Anything
Intervals = Mapping[Path, Interval]
"""Known or possible values of each parameter that an expression reads."""

Truths = tuple[bool, bool]
"""Pair: whether an expression can be true, and whether it can be false."""
EITHER: Final[Truths] = (True, True)


def interval_truth_of(node: Node, path_of: Callable[[Read], Path]) -> Callable[[Intervals], Truths]:
    """Compile a tree into a function that returns whether the condition can hold, and whether it can fail."""
    evaluator = _IntervalEvaluator(path_of)
    return lambda intervals: evaluator.truths(node, intervals)


class _IntervalEvaluator:
    def __init__(self, path_of: Callable[[Read], Path]) -> None:
        self._path_of = path_of
        self._parts: dict[int, tuple[Evaluator, set[Path]]] = {}

    def truths(self, node: Node, intervals: Intervals) -> Truths:
        match node:
            case Not(operand=operand):
                can, can_fail = self.truths(operand, intervals)
                return can_fail, can
            case Joined(first=first, steps=steps):
                each = [self.truths(part, intervals) for part in (first, *(step.operand for step in steps))]
                cans, fails = zip(*each, strict=True)
                return (any(cans), all(fails)) if steps[0].sign == "or" else (all(cans), any(fails))
            case Comparison(first=first, steps=steps):
                left, can, can_fail = self.interval(first, intervals), True, False
                for step in steps:
                    right = self.interval(step.operand, intervals)
                    link = _compared(step.sign, left, right)
                    left, can, can_fail = right, can and link[0], can_fail or link[1]
                return can, can_fail
            case _:
                found = self.interval(node, intervals)
                if isinstance(found, Known):
                    is_true = found.value is True
                    return is_true, not is_true or found.may_lack
                return EITHER

    def interval(self, node: Node, intervals: Intervals) -> Interval:
        match node:
            case Literal(value=value):
                return Known(value)
            case Read():
                return intervals[self._path_of(node)]
            case Arithmetic(first=first, steps=steps):
                result = self.interval(first, intervals)
                for step in steps:
                    result = _calculated(step.sign, result, self.interval(step.operand, intervals))
                return result
            case Call(function="min" | "max" as name, arguments=arguments) if len(arguments) > 1:
                choose = min if name == "min" else max
                return _extremum(choose, [self.interval(argument, intervals) for argument in arguments])
            case _:
                return self._if_known(node, intervals)

    def _if_known(self, node: Node, intervals: Intervals) -> Interval:
        """Return the value of a node if all its parameters are known for certain, else ANYTHING."""
        if id(node) not in self._parts:
            reads: set[Path] = set()
            self._parts[id(node)] = (
                code_of(node, lambda read: _record_read(self._path_of(read), reads)),
                reads,
            )
        code, reads = self._parts[id(node)]
        values: dict[Path, Json] = {}
        may_lack = False
        for path in reads:
            found = intervals[path]
            if not isinstance(found, Known):
                return ANYTHING
            may_lack = may_lack or found.may_lack
            if not isinstance(found.value, Undefined):
                values[path] = found.value
        # A node can have a value even if a parameter that it reads is undefined.
        return ANYTHING if may_lack else Known(code(values))


def _record_read(path: Path, reads: set[Path]) -> Path:
    reads.add(path)
    return path


def _span(interval: Interval) -> Between | None:
    """Return the lower and upper end of an interval, or None if it may be something other than a number."""
    match interval:
        case Known(value=int() | float() as number, may_lack=may_lack) if not isinstance(number, bool):
            return Between(number, number, may_lack)
        case Between():
            return interval
    return None


def _is_absent(interval: Interval) -> bool:
    return isinstance(interval, Known) and isinstance(interval.value, Undefined)


def _calculated(sign: str, left: Interval, right: Interval) -> Interval:
    if isinstance(left, Known) and isinstance(right, Known):
        value = calculated(OPERATIONS[sign], left.value, right.value)
        return Known(value, left.may_lack or right.may_lack)
    if _is_absent(left) or _is_absent(right):
        return ABSENT
    one, other = _span(left), _span(right)
    if one is None or other is None or sign not in "+-*":
        return ANYTHING
    # The extremes of a sum, difference or product lie at corners.
    corners = [
        calculated(OPERATIONS[sign], x, y) for x in (one.low, one.high) for y in (other.low, other.high)
    ]
    numbers = [corner for corner in corners if not isinstance(corner, Undefined)]
    if len(numbers) < len(corners):
        return ANYTHING
    return Between(min(numbers), max(numbers), one.may_lack or other.may_lack)


def _extremum(choose: Callable[[Iterable[Number]], Number], parts: Sequence[Interval]) -> Interval:
    if any(_is_absent(part) for part in parts):
        return ABSENT
    spans = [_span(part) for part in parts]
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return ANYTHING
    low, high = choose(span.low for span in known), choose(span.high for span in known)
    may_lack = any(span.may_lack for span in known)
    return Known(low, may_lack) if low == high else Between(low, high, may_lack)


def _compared(sign: str, left: Interval, right: Interval) -> Truths:
    if isinstance(left, Known) and isinstance(right, Known):
        holds = RELATIONS[sign](left.value, right.value)
        return holds, not holds or left.may_lack or right.may_lack
    if _is_absent(left) or _is_absent(right):
        return False, True
    one, other = _span(left), _span(right)
    if one is None or other is None or sign not in _ORDER:
        return EITHER
    can, must = _ORDER[sign](one, other)
    return can, not must or one.may_lack or other.may_lack


def _less(one: Between, other: Between) -> tuple[bool, bool]:
    return one.low < other.high, one.high < other.low


def _at_most(one: Between, other: Between) -> tuple[bool, bool]:
    return one.low <= other.high, one.high <= other.low


def _equal(one: Between, other: Between) -> tuple[bool, bool]:
    can = one.low <= other.high and other.low <= one.high
    return can, one.low == one.high == other.low == other.high


def _unequal(one: Between, other: Between) -> tuple[bool, bool]:
    can, must = _equal(one, other)
    return not must, not can


_ORDER: Final[dict[str, Callable[[Between, Between], tuple[bool, bool]]]] = {
    "<": _less,
    "<=": _at_most,
    ">": lambda one, other: _less(other, one),
    ">=": lambda one, other: _at_most(other, one),
    "==": _equal,
    "!=": _unequal,
}
"""Functions of two intervals that return whether the comparison can hold, and whether it must."""
