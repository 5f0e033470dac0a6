"""Expressions of `when` and `constraints`: names of parameters, type checks, and compiled conditions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from sweepd.spec.distributions.discrete import Categorical, Constant, WeightedCategorical
from sweepd.spec.distributions.distribution import Distribution
from sweepd.spec.expressions.evaluation import (
    FUNCTIONS,
    Arithmetic,
    Call,
    Comparison,
    ExpressionError,
    Joined,
    ListOf,
    Literal,
    Node,
    Not,
    Read,
    test_of,
)
from sweepd.spec.expressions.intervals import Intervals, Truths, interval_truth_of
from sweepd.spec.expressions.parser import parse_tree, written_name
from sweepd.spec.point import Json, Path, dotted, is_number
from sweepd.spec.wording import nearest

NUMBER: Final = "a number"
TEXT: Final = "text"
TRUTH: Final = "true or false"
NULL: Final = "null"
LIST: Final = "a list"
MAPPING: Final = "a mapping"
_ORDER: Final = (NUMBER, TEXT, TRUTH, NULL, LIST, MAPPING)
_NO_KINDS: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Type:
    """Possible kinds of a value and, for a list, of its items."""

    kinds: frozenset[str]
    items: frozenset[str] = field(default=_NO_KINDS)

    def __str__(self) -> str:
        """Return the kinds in words."""
        *first, last = (kind for kind in _ORDER if kind in self.kinds)
        return f"{', '.join(first)} or {last}" if first else last


ANY_NUMBER: Final = Type(frozenset({NUMBER}))
ANY_TRUTH: Final = Type(frozenset({TRUTH}))


def type_of_values(values: Iterable[Json]) -> Type:
    """Return the type that covers all these values."""
    kinds: set[str] = set()
    items: set[str] = set()
    for value in values:
        kinds.add(_kind(value))
        if isinstance(value, list):
            items.update(_kind(item) for item in value)
    return Type(frozenset(kinds), frozenset(items))


def check_types(node: Node, type_of: Callable[[Read], Type]) -> None:
    """Check that an expression is a condition and its operands have suitable types.

    Raises:
        ExpressionError: a type is unsuitable, or a function has the wrong number of arguments.
    """
    _Checker(type_of).truth(node, "the expression")


def _kind(value: Json) -> str:
    if is_number(value):
        return NUMBER
    match value:
        case str():
            return TEXT
        case bool():
            return TRUTH
        case None:
            return NULL
        case list():
            return LIST
        case _:
            return MAPPING


class _Checker:
    def __init__(self, type_of: Callable[[Read], Type]) -> None:
        self._type_of = type_of

    def truth(self, node: Node, what: str) -> None:
        found = self.type(node)
        if TRUTH not in found.kinds:
            message = f"{what} must be true or false, but this is {found}; compare it with a value"
            raise ExpressionError(message, node.offset)

    def type(self, node: Node) -> Type:
        match node:
            case Literal(value=value):
                return type_of_values((value,))
            case Read():
                return self._type_of(node)
            case ListOf(items=items):
                kinds = (self.type(item).kinds for item in items)
                return Type(frozenset({LIST}), frozenset().union(*kinds))
            case Not(operand=operand):
                self.truth(operand, "the operand of `not`")
                return ANY_TRUTH
            case Joined():
                self.truth(node.first, f"each operand of `{node.steps[0].sign}`")
                for step in node.steps:
                    self.truth(step.operand, f"each operand of `{step.sign}`")
                return ANY_TRUTH
            case Comparison():
                self._compare(node)
                return ANY_TRUTH
            case Arithmetic():
                self._number(node.first, node.steps[0].sign)
                for step in node.steps:
                    self._number(step.operand, step.sign)
                return ANY_NUMBER
            case Call():
                self._call(node)
                return ANY_NUMBER

    def _number(self, node: Node, worker: str) -> None:
        found = self.type(node)
        if NUMBER not in found.kinds:
            raise ExpressionError(f"`{worker}` takes numbers, but this is {found}", node.offset)

    def _compare(self, node: Comparison) -> None:
        left = self.type(node.first)
        for step in node.steps:
            right = self.type(step.operand)
            if step.sign in ("in", "not in"):
                _check_member(left, right, step.sign, step.offset, step.operand.offset)
            elif step.sign in ("==", "!="):
                if not left.kinds & right.kinds:
                    message = f"{left} on the left is never equal to {right} on the right"
                    raise ExpressionError(message, step.offset)
            elif not left.kinds & right.kinds & {NUMBER, TEXT}:
                message = f"`{step.sign}` compares two numbers or two texts, not {left} with {right}"
                raise ExpressionError(message, step.offset)
            left = right

    def _call(self, node: Call) -> None:
        name, arguments = node.function, node.arguments
        if name in ("min", "max"):
            self._extremum(node)
        elif len(arguments) != 1:
            raise ExpressionError(f"`{name}` takes one value, not {len(arguments)}", node.offset)
        elif name != "len":
            self._number(arguments[0], name)
        elif not (found := self.type(arguments[0])).kinds & {TEXT, LIST, MAPPING}:
            message = f"`len` takes text, a list or a mapping, but this is {found}"
            raise ExpressionError(message, arguments[0].offset)
        assert name in FUNCTIONS, "the parser rejects other functions"

    def _extremum(self, node: Call) -> None:
        if not node.arguments:
            raise ExpressionError(f"`{node.function}` takes at least one value", node.offset)
        if len(node.arguments) > 1:
            for argument in node.arguments:
                self._number(argument, node.function)
            return
        found = self.type(node.arguments[0])
        if LIST not in found.kinds or NUMBER not in found.items:
            message = f"`{node.function}` takes several numbers, or one list of numbers, but this is {found}"
            raise ExpressionError(message, node.arguments[0].offset)


def _check_member(left: Type, right: Type, sign: str, offset: int, right_offset: int) -> None:
    in_text = TEXT in right.kinds and TEXT in left.kinds
    if LIST not in right.kinds and TEXT not in right.kinds:
        raise ExpressionError(
            f"`{sign}` must be followed by a list or text, but this is {right}", right_offset
        )
    if not in_text and (LIST not in right.kinds or not left.kinds & right.items):
        items = f"a list of {Type(right.items)}" if right.items else str(right)
        raise ExpressionError(f"{left} is never in {items}", offset)


_MAX_NEIGHBOURS: Final = 1_000
"""Maximum number of names searched for a suggestion, to bound the time that many errors take."""


class Scope:
    """Parameters of a sweep, constants included, by dotted name.

    A name is ambiguous if there are a parameter `a.b` and a parameter `b` in the group `a`.
    """

    def __init__(self, distributions: Mapping[Path, Distribution]) -> None:
        self._types = {path: _type(distribution) for path, distribution in distributions.items()}
        self._paths: dict[str, list[Path]] = {}
        for path in distributions:
            self._paths.setdefault(dotted(path), []).append(path)
        self._groups = {dotted(path[:depth]) for path in distributions for depth in range(1, len(path))}

    def path(self, name: str, offset: int = 0, hint: str = "") -> Path:
        """Return the path of the parameter with this name; `hint` is appended to the error if there is none.

        Raises:
            ExpressionError: the name is unknown, ambiguous, or that of a group.
        """
        found = self._paths.get(name, [])
        if len(found) == 1:
            return found[0]
        if found:
            raise ExpressionError(f"`{_shown(name)}` is the name of {len(found)} parameters", offset)
        if name in self._groups:
            raise ExpressionError(f"`{_shown(name)}` is a group; name one of its parameters", offset)
        message = f"there is no parameter `{_shown(name)}`{hint}"
        raise ExpressionError(message, offset, self._near(name))

    def type(self, path: Path) -> Type:
        """Return the type of a parameter."""
        return self._types[path]

    def _near(self, name: str) -> str | None:
        # `a-b` is parsed as a minus b, but the parameter `a-b` may be intended.
        # Or the group of the parameter is missing before the name.
        ends = (f"{name}-", f"{name}/"), (f"-{name}", f"/{name}", f".{name}")
        inner = [
            known
            for known in islice(self._paths, _MAX_NEIGHBOURS)
            if known.startswith(ends[0]) or known.endswith(ends[1])
        ]
        found = nearest(name, self._paths) or next(iter(inner), None)
        return None if found is None else written_name(found)


def _type(distribution: Distribution) -> Type:
    match distribution:
        case Constant(value=value):
            return type_of_values((value,))
        case Categorical(values=values) | WeightedCategorical(values=values):
            return type_of_values(values)
        case _:
            return ANY_NUMBER


def _shown(name: str) -> str:
    text = name if len(name) <= 80 else f"{name[:77]}..."
    return text if text.isprintable() else ascii(text)


_CHARACTERS_PER_STEP = 5
_TEXT_HINT = "; text must be quoted"


@dataclass(frozen=True, slots=True)
class Expression:
    """Condition on the values of a point, given by path; a parameter without a value is inactive.

    `holds` never raises. An undefined value (an inactive parameter, 1 / 0, log(-1), an overflow)
    makes each comparison with it false.
    """

    text: str
    reads: frozenset[Path]
    holds: Callable[[Mapping[Path, Json]], bool]
    interval_truth: Callable[[Intervals], Truths]
    """Function that returns (can hold, can fail), given what is known of each parameter."""
    conjuncts: tuple["Expression", ...] = ()
    """Operands of a top-level `and`: the expression holds if and only if all of them hold."""

    @property
    def parts(self) -> int:
        """Approximate number of steps of one evaluation."""
        return max(len(self.reads), len(self.text) // _CHARACTERS_PER_STEP)


def parse_expression(text: str, scope: Scope) -> Expression:
    """Parse an expression over the parameters of a sweep.

    Raises:
        ExpressionError: the text is too long, has a syntax or type error, or reads an unknown parameter.
    """
    tree = parse_tree(text)
    check_types(tree, lambda read: scope.type(scope.path(read.name, read.offset, _TEXT_HINT)))
    whole = _compiled(text, tree, scope)
    if isinstance(tree, Joined) and tree.steps[0].sign == "and":
        operands = (tree.first, *(step.operand for step in tree.steps))
        return replace(whole, conjuncts=tuple(_compiled(text, operand, scope) for operand in operands))
    return whole


def _compiled(text: str, tree: Node, scope: Scope) -> Expression:
    reads: set[Path] = set()

    def path_of(read: Read) -> Path:
        path = scope.path(read.name, read.offset, _TEXT_HINT)
        reads.add(path)
        return path

    test = test_of(tree, path_of)
    if not reads:  # a constant: evaluate it once
        answer = test({})
        return Expression(text, frozenset(), lambda values: answer, lambda intervals: (answer, not answer))
    return Expression(text, frozenset(reads), test, interval_truth_of(tree, path_of))
