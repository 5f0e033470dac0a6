"""Expression parser: a tokenizer, then recursive descent with Python's precedence."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from typing import Literal as OneOf

from sweepd.spec.expressions.evaluation import (
    FUNCTIONS,
    LARGEST,
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
    Step,
)
from sweepd.spec.limits import MAX_EXPRESSION_DEPTH, MAX_EXPRESSION_LENGTH
from sweepd.spec.point import Json

_BLANK: Final = re.compile(r"[ \t\r\n]+")
_NUMBER: Final = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# A parameter may be called `layer.0.size`: a part after a dot may start with a digit.
_NAME: Final = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*", re.ASCII)
_SIGN: Final = re.compile(r"\*\*|//|==|!=|<=|>=|[-+*/%<>()\[\],]")
_ESCAPES: Final = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}
_REPLACEMENTS: Final = {
    "&&": "and",
    "||": "or",
    "<>": "!=",
    "=<": "<=",
    "=>": ">=",
    "=": "==",
    "&": "and",
    "|": "or",
    "!": "not",
    "^": "**",
}
_LETTER: Final = re.compile(r"[A-Za-z_]")

WORDS: Final = frozenset({"and", "or", "not", "in"})


@dataclass(frozen=True, slots=True)
class Token:
    """Token of an expression: `text` as written, and the `value` of a number or a text."""

    kind: OneOf["number", "text", "name", "sign", "end"]
    text: str
    offset: int
    value: Json = None


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of an expression, then an end token.

    Raises:
        ExpressionError: the text contains an invalid token.
    """
    at = 0
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        token = _token(text, at)
        yield token
        at += len(token.text)
    yield Token("end", "", len(text))


def _token(text: str, at: int) -> Token:
    if match := _NUMBER.match(text, at):
        return _number(match[0], at, text)
    if match := _NAME.match(text, at):
        return Token("sign" if match[0] in WORDS else "name", match[0], at)
    if text[at] in "\"'":
        return _text_token(text, at)
    if text[at : at + 2] not in _REPLACEMENTS and (match := _SIGN.match(text, at)):
        return Token("sign", match[0], at)
    for wrong, right in _REPLACEMENTS.items():
        if text.startswith(wrong, at):
            raise ExpressionError(f"`{wrong}` is not an operator", at, right)
    if text[at] == ".":
        raise ExpressionError("a `.` is allowed only inside names and numbers", at)
    raise ExpressionError(f"unexpected character {text[at]!a}", at)


def _number(digits: str, at: int, text: str) -> Token:
    end = at + len(digits)
    if _LETTER.match(text, end):
        raise ExpressionError("a name must start with a letter, and no letter may follow a number", end)
    value = int(digits) if digits.isdigit() else float(digits)
    if value > LARGEST:
        raise ExpressionError("this number is too large for a double", at)
    return Token("number", digits, at, value)


def _text_token(text: str, at: int) -> Token:
    letters: list[str] = []
    quote, place = text[at], at + 1
    while place < len(text):
        letter = text[place]
        if letter == quote:
            return Token("text", text[at : place + 1], at, "".join(letters))
        if letter == "\\":
            place += 1
            escaped = text[place : place + 1]
            if escaped not in _ESCAPES:
                raise ExpressionError("`\\` must be followed by one of \\ ' \" n t", place - 1, r"\\")
            letter = _ESCAPES[escaped]
        letters.append(letter)
        place += 1
    raise ExpressionError(f"the text that starts here is not closed by {quote}", at)


def is_name(text: str) -> bool:
    """Return True if a text has the form of a name that needs no `param()`; it may be reserved."""
    return _NAME.fullmatch(text) is not None


_CONSTANTS: Final[dict[str, bool | None]] = {
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
}
_RESERVED: Final = frozenset({*WORDS, *FUNCTIONS, *_CONSTANTS, "param"})
_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in"})


def parse_tree(text: str) -> Node:
    """Parse an expression into a tree.

    Raises:
        ExpressionError: the text is too long, nested too deeply, or not an expression.
    """
    if len(text) > MAX_EXPRESSION_LENGTH:
        message = f"an expression of {len(text):,} characters; at most {MAX_EXPRESSION_LENGTH:,} are allowed"
        raise ExpressionError(message, MAX_EXPRESSION_LENGTH)
    return _Parser(list(tokens(text))).parse()


def written_name(name: str) -> str:
    """Return a parameter's name as written in an expression: bare if unambiguous, else with `param()`."""
    return name if is_name(name) and name not in _RESERVED else f'param("{name}")'


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens, self._at, self._depth = found, 0, 0

    def parse(self) -> Node:
        if len(self._tokens) == 1:
            raise ExpressionError("the expression is empty", 0)
        node = self._or()
        if self._next.kind != "end":
            raise self._unexpected()
        return node

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _next_is(self, *signs: str) -> bool:
        return self._next.kind == "sign" and self._next.text in signs

    def _or(self) -> Node:
        return self._chain(Joined, ("or",), self._and)

    def _and(self) -> Node:
        return self._chain(Joined, ("and",), self._not)

    def _not(self) -> Node:
        if not self._next_is("not"):
            return self._comparison()
        sign = self._take_nested()
        operand = self._not()
        self._depth -= 1
        return Not(operand, sign.offset)

    def _comparison(self) -> Node:
        first = self._sum()
        steps = []
        while sign := self._comparing():
            steps.append(Step(sign.text, self._sum(), sign.offset))
        return Comparison(first, tuple(steps), first.offset) if steps else first

    def _comparing(self) -> Token | None:
        if self._next_is("not") and self._tokens[self._at + 1].text == "in":
            sign = self._take()
            self._take()
            return Token("sign", "not in", sign.offset)
        return self._take() if self._next_is(*_COMPARISONS) else None

    def _sum(self) -> Node:
        return self._chain(Arithmetic, ("+", "-"), self._product)

    def _product(self) -> Node:
        return self._chain(Arithmetic, ("*", "/", "//", "%"), self._signed)

    def _chain(
        self, kind: type[Joined | Arithmetic], signs: tuple[str, ...], operand: Callable[[], Node]
    ) -> Node:
        first = operand()
        steps = []
        while self._next_is(*signs):
            sign = self._take()
            steps.append(Step(sign.text, operand(), sign.offset))
        return kind(first, tuple(steps), first.offset) if steps else first

    def _signed(self) -> Node:
        if not self._next_is("-", "+"):
            return self._power()
        sign = self._take_nested()
        operand = self._signed()
        self._depth -= 1
        return Arithmetic(Literal(0, sign.offset), (Step(sign.text, operand, sign.offset),), sign.offset)

    def _power(self) -> Node:
        base = self._atom()
        if not self._next_is("**"):
            return base
        sign = self._take_nested()
        exponent = self._signed()  # so that 2 ** -1 is valid, and 2 ** 3 ** 2 equals 2 ** 9
        self._depth -= 1
        return Arithmetic(base, (Step("**", exponent, sign.offset),), base.offset)

    def _atom(self) -> Node:
        token = self._next
        if token.kind in ("number", "text"):
            return Literal(self._take().value, token.offset)
        if token.kind == "name":
            return self._named()
        if self._next_is("("):
            self._take_nested()
            inner = self._or()
            self._closing(")", token)
            return inner
        if self._next_is("["):
            self._take_nested()
            return ListOf(self._listed("]", token), token.offset)
        raise self._unexpected()

    def _named(self) -> Node:
        name = self._take()
        if not self._next_is("("):
            return (
                Literal(_CONSTANTS[name.text], name.offset)
                if name.text in _CONSTANTS
                else Read(name.text, name.offset)
            )
        opening = self._take_nested()
        arguments = self._listed(")", opening)
        if name.text == "param":
            match arguments:
                case (Literal(value=str(parameter)),):
                    return Read(parameter, name.offset)
            raise ExpressionError('`param` takes one name in quotes: `param("a-b")`', name.offset)
        if name.text not in FUNCTIONS:
            functions = ", ".join((*FUNCTIONS[:-1], f"{FUNCTIONS[-1]} and param"))
            raise ExpressionError(f"there is no function `{name.text}`, only {functions}", name.offset)
        return Call(name.text, arguments, name.offset)

    def _listed(self, closing: str, opening: Token) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._next_is(closing):
            items.append(self._or())
            if not self._next_is(","):
                break
            self._take()
        self._closing(closing, opening)
        return tuple(items)

    def _take_nested(self) -> Token:
        token = self._take()
        self._depth += 1
        if self._depth > MAX_EXPRESSION_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_EXPRESSION_DEPTH} levels", token.offset)
        return token

    def _closing(self, closing: str, opening: Token) -> None:
        if self._next.kind == "end":
            raise ExpressionError(f"the `{opening.text}` that opens here is never closed", opening.offset)
        if not self._next_is(closing):
            raise self._unexpected()
        self._take()
        self._depth -= 1

    def _unexpected(self) -> ExpressionError:
        token = self._next
        if token.kind == "end":
            return ExpressionError("the expression ends where a value is expected", token.offset)
        if token.text == "[":
            return ExpressionError("a `[` cannot follow a value: indexing is not supported", token.offset)
        suggestion = "==" if token.text == "is" else None
        return ExpressionError(f"{_quoted(token.text)} is unexpected here", token.offset, suggestion)


def _quoted(text: str) -> str:
    return f"`{text if text.isprintable() else ascii(text)}`"
