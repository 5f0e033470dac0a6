"""The parameters of a run as YAML, each as `name: {value: …}`: what scripts of other systems read."""

import json
from collections.abc import Mapping

from sweepd_agent.core.attempt import Json


def yaml_parameters(params: Mapping[str, Json]) -> str:
    """Return a document that readers of YAML 1.1 and 1.2 take for the same values, types included."""
    lines = [f"{_text(name)}: {{value: {_value(params[name])}}}\n" for name in sorted(params)]
    return "".join(lines) or "{}\n"


def _value(value: Json) -> str:
    match value:
        case float():
            return _number(value)
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{{', '.join(f'{_text(name)}: {_value(inner)}' for name, inner in value.items())}}}"
        case _:
            return json.dumps(value)


def _number(value: float) -> str:
    """Return a float with a point in it: without one, YAML 1.1 takes `1e-05` for text."""
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}{exponent}{power}"


def _text(text: str) -> str:
    return f'"{"".join(map(_sign, text))}"'


def _sign(sign: str) -> str:
    number = ord(sign)
    if sign in '"\\':
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )
