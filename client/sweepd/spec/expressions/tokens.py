"""Cuts the text of an expression into numbers, texts, names and signs, each with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from sweepd.spec.expressions.bounded import LARGEST
from sweepd.spec.expressions.tree import ExpressionError
from sweepd.spec.point import Json

_BLANK: Final = re.compile(r"[ \t\r\n]+")
_NUMBER: Final = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# A parameter may be called `layer.0.size`: what follows a dot need not start with a letter.
_NAME: Final = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*", re.ASCII)
_SIGN: Final = re.compile(r"\*\*|//|==|!=|<=|>=|[-+*/%<>()\[\],]")
_ESCAPES: Final = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}
_INSTEAD: Final = {
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
    """One piece: `text` as written; `value` of a number or a text."""

    kind: Literal["number", "text", "name", "sign", "end"]
    text: str
    offset: int
    value: Json = None


def tokens(text: str) -> Iterator[Token]:
    """Yield the pieces of an expression and an end.

    Raises:
        ExpressionError: something is no piece of the language.
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
        return _quoted(text, at)
    if text[at : at + 2] not in _INSTEAD and (match := _SIGN.match(text, at)):
        return Token("sign", match[0], at)
    for wrong, right in _INSTEAD.items():
        if text.startswith(wrong, at):
            raise ExpressionError(f"`{wrong}` means nothing here", at, right)
    if text[at] == ".":
        raise ExpressionError("a `.` stands inside names and numbers only", at)
    raise ExpressionError(f"the character {text[at]!a} means nothing here", at)


def _number(digits: str, at: int, text: str) -> Token:
    end = at + len(digits)
    if _LETTER.match(text, end):
        raise ExpressionError("a name starts with a letter, and a number ends before one", end)
    value = int(digits) if digits.isdigit() else float(digits)
    if value > LARGEST:
        raise ExpressionError("a number that no double can hold", at)
    return Token("number", digits, at, value)


def _quoted(text: str, at: int) -> Token:
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
                raise ExpressionError("after a `\\` comes one of \\ ' \" n t", place - 1, r"\\")
            letter = _ESCAPES[escaped]
        letters.append(letter)
        place += 1
    raise ExpressionError(f"the text that starts here has no closing {quote}", at)


def is_name(text: str) -> bool:
    """Tell whether a text is one name as expressions write it."""
    return _NAME.fullmatch(text) is not None
