"""Trees that expressions are parsed into, and the error of what cannot be parsed."""

from dataclasses import dataclass
from typing import Final

from sweepd.spec.point import Json


class ExpressionError(ValueError):
    """Mistake in an expression, its offset in characters, and what may be meant instead."""

    def __init__(self, message: str, offset: int, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message, self.offset, self.suggestion = message, offset, suggestion


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written."""

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
    """A function of the language."""

    function: str
    arguments: tuple["Node", ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Negated:
    """A number with its sign changed."""

    operand: "Node"
    offset: int


@dataclass(frozen=True, slots=True)
class Not:
    """True where the operand is not."""

    operand: "Node"
    offset: int


@dataclass(frozen=True, slots=True)
class Step:
    """Link of a chain: a sign and its right operand; the offset is that of the sign."""

    sign: str
    operand: "Node"
    offset: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands with signs of one precedence between them, from left to right; kept flat, however long."""

    first: "Node"
    steps: tuple[Step, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Arithmetic(Chain):
    """A chain of numbers: + and -, or * / // and %, or one **."""


@dataclass(frozen=True, slots=True)
class Comparison(Chain):
    """Comparisons that all hold: `a < b <= c` is `a < b and b <= c`."""


@dataclass(frozen=True, slots=True)
class Joined(Chain):
    """Truths joined by `and`, or by `or`."""


Node = Literal | Read | ListOf | Call | Negated | Not | Arithmetic | Comparison | Joined

FUNCTIONS: Final = ("min", "max", "abs", "log", "sqrt", "floor", "ceil", "len")
