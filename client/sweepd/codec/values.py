"""Conversion of parameter values and points that preserves types: 1 stays an integer, 1.0 a float."""

from math import isfinite
from typing import Final

from google.protobuf.struct_pb2 import NULL_VALUE

from sweepd import v1
from sweepd.spec.limits import INT64_MAX, INT64_MIN, MAX_POINT_BYTES
from sweepd.spec.point import Json, Point

MAX_VALUE_DEPTH: Final = 28
"""Maximum nesting: a mapping takes three message levels, of which protobuf parsers allow 100."""

_MAX_MESSAGE_BYTES: Final = 2 * MAX_POINT_BYTES
"""Maximum message size of a point whose canonical JSON is within its limit; checked before decoding."""


class CodecError(ValueError):
    """A message cannot be decoded, or a value cannot be encoded."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}" if field else why)
        self.field = field
        self.why = why


def value_message(value: Json, field: str = "value") -> v1.ParameterValue:
    """Return a value as a message.

    Raises:
        CodecError: an integer exceeds 64 bits, a number is not finite, text is invalid, nesting is too deep.
    """
    message = v1.ParameterValue()
    _fill(message, value, field, 0)
    return message


def value_from_message(message: v1.ParameterValue, field: str = "value") -> Json:
    """Return the value in a message.

    Raises:
        CodecError: no value is set, a number is not finite, text or a name is invalid, nesting is too deep.
    """
    return _value(message, field, 0)


def point_message(point: Point, field: str = "point") -> v1.ParameterMap:
    """Return a point as a message, in the same order; raise CodecError like `value_message`."""
    message = v1.ParameterMap()
    fill_map(message, point, field)
    return message


def point_from_message(message: v1.ParameterMap, field: str = "point") -> Point:
    """Return the point in a message, in the same order.

    Raises:
        CodecError: as for `value_from_message`, or the point is too large.
    """
    if message.ByteSize() > _MAX_MESSAGE_BYTES:
        raise CodecError(field, f"larger than {MAX_POINT_BYTES} bytes")
    return _map(message, field, 0)


def fill_map(
    message: v1.ParameterMap, mapping: dict[str, Json], field: str, depth: int = 0, *, finite: bool = True
) -> None:
    """Add the members of a mapping to a message.

    Args:
        message: message to fill.
        mapping: names and values.
        field: path of the mapping, for errors.
        depth: nesting of the mapping within the whole value.
        finite: True if NaN and infinite numbers are errors.

    Raises:
        CodecError: as for `value_message`.
    """
    for name, item in mapping.items():
        entry = message.entries.add(name=_text(name, field))
        _fill(entry.value, item, f"{field}.{name}", depth, finite=finite)


def _fill(message: v1.ParameterValue, value: Json, field: str, depth: int, *, finite: bool = True) -> None:
    if depth > MAX_VALUE_DEPTH:
        raise CodecError(field, f"nested deeper than {MAX_VALUE_DEPTH} levels")
    match value:
        case None:
            message.null_value = NULL_VALUE
        case bool():
            message.bool_value = value
        case int():
            if not INT64_MIN <= value <= INT64_MAX:
                raise CodecError(field, "an integer outside -2^63 to 2^63 - 1")
            message.int_value = value
        case float():
            message.double_value = _finite(value, field) if finite else value
        case str():
            message.string_value = _text(value, field)
        case list():
            message.list_value.SetInParent()
            for index, item in enumerate(value):
                inner = message.list_value.values.add()
                _fill(inner, item, f"{field}[{index}]", depth + 1, finite=finite)
        case dict():
            message.map_value.SetInParent()
            fill_map(message.map_value, value, field, depth + 1, finite=finite)


def _value(message: v1.ParameterValue, field: str, depth: int) -> Json:
    if depth > MAX_VALUE_DEPTH:
        raise CodecError(field, f"nested deeper than {MAX_VALUE_DEPTH} levels")
    match message.WhichOneof("kind"):
        case None:
            raise CodecError(field, "no value is set")
        case "null_value":
            return None
        case "double_value":
            return _finite(message.double_value, field)
        case "string_value":
            return _without_nul(message.string_value, field)
        case "list_value":
            items = message.list_value.values
            return [_value(item, f"{field}[{index}]", depth + 1) for index, item in enumerate(items)]
        case "map_value":
            return _map(message.map_value, field, depth + 1)
        case kind:
            value: Json = getattr(message, kind)
            return value


def _map(message: v1.ParameterMap, field: str, depth: int) -> dict[str, Json]:
    mapping: dict[str, Json] = {}
    for entry in message.entries:
        if entry.name in mapping:
            raise CodecError(f"{field}.{entry.name}", "duplicate name")
        name = _without_nul(entry.name, field)
        mapping[name] = _value(entry.value, f"{field}.{name}", depth)
    return mapping


def _finite(number: float, field: str) -> float:
    if not isfinite(number):
        raise CodecError(field, "a number must be finite")
    return number


def _text(text: str, field: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise CodecError(field, "text with an unpaired surrogate is not valid Unicode") from error
    return _without_nul(text, field)


def _without_nul(text: str, field: str) -> str:
    if "\0" in text:
        raise CodecError(field, "text with a NUL character cannot be passed to a program")
    return text
