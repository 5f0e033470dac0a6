"""Values of YAML scalars that are unquoted or have a core-schema tag.

YAML 1.1 as in PyYAML, which existing files expect (`yes`, octals with a leading zero, base 60), with two
differences: an exponent needs neither a dot nor a sign (`1e-5` is a number), and dates stay text.
"""

import re
from collections.abc import Callable
from typing import Final

from sweepd.spec.limits import MAX_NUMBER_LENGTH
from sweepd.spec.loading.tree import Scalar

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE: Final = frozenset({"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_NUMBER_START: Final = frozenset("+-.0123456789")
_INT: Final = re.compile(
    r"[-+]?(?:0b(?P<two>[01_]*[01][01_]*)|0x(?P<sixteen>[0-9a-fA-F_]*[0-9a-fA-F][0-9a-fA-F_]*)"
    r"|0(?P<eight>[0-7_]+)|(?P<sixty>[1-9][0-9_]*(?::[0-5]?[0-9])++)|(?P<ten>0|[1-9][0-9_]*))",
    re.ASCII,
)
_FLOAT: Final = re.compile(
    r"[-+]?(?:(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+)",
    re.ASCII,
)
_SIXTY_FLOAT: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])++\.[0-9_]*", re.ASCII)
_INFINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NAN: Final = frozenset({".nan", ".NaN", ".NAN"})
_TAG: Final = "tag:yaml.org,2002:"


def resolve(text: str) -> Scalar:
    """Return the value of an unquoted scalar.

    Raises:
        ValueError: a number has too many characters.
    """
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] not in _NUMBER_START:
        return text
    integer = _integer(text)
    if integer is not None:
        return integer
    number = _float(text)
    return text if number is None else number


def with_tag(tag: str, text: str) -> Scalar:
    """Return the value of a scalar with an explicit core-schema tag.

    Raises:
        ValueError: the text does not match the tag, or is too long or too large a number.
        LookupError: the tag is not in the core schema.
    """
    return _CORE_TAGS[tag](text)


def _integer(text: str) -> int | None:
    match = _INT.fullmatch(text)
    if match is None:
        return None
    _check_length(text)
    bases = {"two": 2, "eight": 8, "ten": 10, "sixteen": 16}
    form = str(match.lastgroup)
    digits = match[form].replace("_", "")
    if form == "sixty":
        magnitude = int(_base_sixty(digits))
    elif not digits:  # "0_": only separators after the zero
        magnitude = 0
    else:
        magnitude = int(digits, bases[form])
    return -magnitude if text[0] == "-" else magnitude


def _float(text: str) -> float | None:
    if _FLOAT.fullmatch(text):
        _check_length(text)
        return float(text.replace("_", ""))
    if _SIXTY_FLOAT.fullmatch(text):
        _check_length(text)
        magnitude = _base_sixty(text.lstrip("+-").replace("_", ""))
        return -float(magnitude) if text[0] == "-" else float(magnitude)
    if _INFINITE.fullmatch(text):
        return float("-inf") if text[0] == "-" else float("inf")
    return float("nan") if text in _NAN else None


def _base_sixty(digits: str) -> int | float:
    value: int | float = 0
    for part in digits.split(":"):
        value = value * 60 + (float(part) if "." in part else int(part))
    return value


def _check_length(text: str) -> None:
    if len(text) > MAX_NUMBER_LENGTH:
        raise ValueError(f"a number of {len(text):,} characters; at most {MAX_NUMBER_LENGTH} are allowed")


def _tagged_null(text: str) -> None:
    if text not in _NULL:
        raise ValueError("not null")


def _tagged_bool(text: str) -> bool:
    value = resolve(text)
    if isinstance(value, bool):
        return value
    raise ValueError("not a boolean")


def _tagged_int(text: str) -> int:
    number = _integer(text)
    if number is None:
        raise ValueError("not an integer")
    return number


def _tagged_float(text: str) -> float:
    number = _float(text)
    try:
        return float(_tagged_int(text)) if number is None else number
    except OverflowError:
        raise ValueError("too large") from None


_CORE_TAGS: Final[dict[str, Callable[[str], Scalar]]] = {
    "!": str,
    f"{_TAG}str": str,
    f"{_TAG}null": _tagged_null,
    f"{_TAG}bool": _tagged_bool,
    f"{_TAG}int": _tagged_int,
    f"{_TAG}float": _tagged_float,
}
