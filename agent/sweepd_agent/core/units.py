"""How durations and sizes are written in flags: `30s`, `1m30s`; `512MiB`, `2GB`."""

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_BYTES = {"": 1, "b": 1}
_BYTES |= {f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)}
_BYTES |= {f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


def parse_duration(text: str) -> float:
    """Return the seconds that `text` stands for.

    Raises:
        ValueError: it is no duration; a bare number is none but `0`, as its unit would be a guess.
    """
    if text == "0":
        return 0.0
    if not re.fullmatch(rf"(?:{_DURATION.pattern})+", text):
        raise ValueError(f"{text!r} is no duration; write 500ms, 30s, 1m30s or 2h")
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))


def parse_size(text: str) -> int:
    """Return the bytes that `text` stands for.

    Raises:
        ValueError: it is no size.
    """
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or match[2] not in _BYTES:
        raise ValueError(f"{text!r} is no size; write 500MB or 2GiB")
    return int(float(match[1]) * _BYTES[match[2]])
