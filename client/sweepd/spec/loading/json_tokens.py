"""Tokeniser of JSON: feeds a document, with places, to the composer."""

import json
import re
from typing import Final

from sweepd.spec.loading.composer import Composer, LoadError
from sweepd.spec.loading.diagnostic import Place
from sweepd.spec.loading.nodes import Scalar
from sweepd.spec.loading.scalars import resolve

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]\n]|[^\s,:{}\[\]"]+')


def is_json(text: str) -> bool:
    """Tell whether a text is a JSON object; whatever else starts with a brace is left to YAML."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        # Numbers are only recognised here: converting a long one costs quadratic time.
        json.loads(text, parse_int=len, parse_float=len, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def feed(text: str, composer: Composer) -> None:
    """Feed a text that `is_json` accepted; its syntax needs no second check."""
    line, line_start = 1, 0
    for match in _TOKEN.finditer(text):
        word = match[0]
        place = Place(line, match.start() - line_start + 1)
        match word[0]:
            case "\n":
                line, line_start = line + 1, match.end()
            case "{" | "[":
                composer.start(place, mapping=word == "{")
            case "}" | "]":
                composer.end()
            case '"' if composer.wants_key:
                composer.key(str(json.loads(word)), place)
            case '"':
                composer.scalar(str(json.loads(word)), place)
            case _:
                composer.scalar(_literal(word, place), place)


def _literal(word: str, place: Place) -> Scalar:
    try:
        return resolve(word)  # JSON's literals mean the same in YAML
    except ValueError as error:
        raise LoadError("bad-value", str(error), place) from None


def _refuse(word: str) -> float:
    raise ValueError(word)
