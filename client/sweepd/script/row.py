"""Conversion of logged values of any type to a line of the metrics file."""

import json
from collections.abc import Callable, Mapping
from typing import SupportsFloat

from sweepd.metrics_file import MAX_DEPTH, MAX_KEY_LENGTH, MAX_LINE_BYTES, MAX_TEXT_LENGTH, RESERVED
from sweepd.script.notices import Notices

Keep = Callable[[str, object], object]
"""Function that stores a value in files and returns the path or paths; raises TypeError if it cannot."""

_SCALARS = frozenset({int, float, bool, str, type(None)})
_ALWAYS_STORED = frozenset({int, float, bool})
_MAX_LISTED_FILES = 32
"""Maximum number of files that a row lists for one value; all files are stored with the run."""


def plain(value: object) -> object:
    """Return an object and its members as JSON values.

    Numbers of numpy, torch, jax and others are recognised by their methods, without importing the library:
    `item()` gives a Python number, otherwise `float()` does.

    Raises:
        TypeError: JSON cannot represent the object or one of its members.
    """
    if type(value) in _SCALARS:
        return value
    match value:
        case bool() | None:
            return value
        case int():
            return int(value)
        case float():
            return float(value)
        case str():
            return str.__str__(value)
        case Mapping():
            return {_key(key): plain(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset() | range():
            return [plain(inner) for inner in value]
        case bytes() | bytearray():
            return _decoded(value)
        case _:
            return _text_of_time(value) or _number(value)


def _key(key: object) -> str:
    if isinstance(key, str | int | float | bool | None):
        return key if isinstance(key, str) else json.dumps(key)
    raise TypeError(f"keys must be text, not {type(key).__name__}")


def _decoded(value: bytes | bytearray) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise TypeError(f"{type(value).__name__} that are not UTF-8") from None


def _text_of_time(value: object) -> str | None:
    """Return a date or a time as text, without importing `datetime`; None for other values."""
    if type(value).__module__ != "datetime":
        return None
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if callable(isoformat) else None


def _number(value: object) -> object:
    try:
        item: object = getattr(value, "item", None)
        if callable(item):
            number: object = item()
            if isinstance(number, bool | int | float | str):
                return number
            if isinstance(number, complex):  # `float` would drop the imaginary part
                raise TypeError("complex numbers are not supported")
        if isinstance(value, SupportsFloat):
            return float(value)
    except Exception as error:  # foreign objects raise anything, as do arrays of several items
        raise TypeError(f"{type(value).__name__}: {error}") from error
    raise TypeError(f"{type(value).__name__} is not a number")


_encode = json.JSONEncoder(separators=(",", ":")).encode


def suitable(
    metrics: Mapping[str, object], notices: Notices, keep: Keep | None = None, *, for_rows: bool = False
) -> Mapping[str, object]:
    """Return the metrics that can be written, as JSON values; warn once about each other metric.

    Also warn once about each value that the server omits from rows, so that no value is lost silently.

    Args:
        metrics: metrics as logged.
        notices: receives the warnings.
        keep: called for values that JSON cannot represent; None: omit these values.
        for_rows: whether the values are part of a row, which holds numbers, booleans and short texts.
    """
    chosen: dict[str, object] = {}
    for key, value in list(metrics.items()):  # another thread may change it
        if (
            type(value) in _SCALARS
            and type(key) is str
            and 0 < len(key) <= MAX_KEY_LENGTH
            and key not in RESERVED
        ):
            chosen[key] = value
            if for_rows and type(value) not in _ALWAYS_STORED:
                _warn_of_losses(key, value, notices)
            continue
        name = str(key)
        if (fault := _fault(name)) is not None:
            notices.once(f"key {name}", f"the key {name[:40]!r} {fault} and was not logged")
            continue
        try:
            chosen[name] = _converted(name, value, keep, notices if for_rows else None)
        except Exception as error:  # noqa: BLE001 (no logged value may end the training)
            _warn_of_skipped(name, error, notices)
    return chosen


def _fault(name: str) -> str | None:
    if name in RESERVED:
        return "is reserved"
    if not name:
        return "is empty"
    return f"is longer than {MAX_KEY_LENGTH} characters" if len(name) > MAX_KEY_LENGTH else None


def _warn_of_skipped(name: str, why: object, notices: Notices) -> None:
    notices.once(f"key {name}", f"the value of {name!r} cannot be logged and was skipped: {why}")


def _converted(name: str, value: object, keep: Keep | None, notices: Notices | None) -> object:
    try:
        converted = plain(value)
    except TypeError:
        if keep is None:
            raise
    else:
        if notices is not None:
            _warn_of_losses(name, converted, notices)
        return converted
    if isinstance(value, Mapping):
        return {_key(key): _converted(f"{name}.{key}", inner, keep, notices) for key, inner in value.items()}
    kept = keep(name, value)
    return kept if notices is None or not isinstance(kept, list) else _numbered_group(name, kept, notices)


def _numbered_group(name: str, files: list[object], notices: Notices) -> dict[str, object]:
    """Return the paths of several files as a group with numbered keys; a row has no lists of paths."""
    if len(files) > _MAX_LISTED_FILES:
        notices.once(
            f"key {name}",
            f"the row lists only the first {_MAX_LISTED_FILES} of the {len(files)} files of {name!r}; all "
            "are stored with the run",
        )
    return {str(number): file for number, file in enumerate(files[:_MAX_LISTED_FILES])}


def _warn_of_losses(name: str, converted: object, notices: Notices, depth: int = MAX_DEPTH) -> None:
    """Warn once per key about values that the server omits from a row or truncates."""
    match converted:
        case dict() if converted and depth >= 0:
            for key, inner in converted.items():
                if type(inner) not in _ALWAYS_STORED or len(name) + len(key) >= MAX_KEY_LENGTH:
                    _warn_of_losses(f"{name}.{key}", inner, notices, depth - 1)
            return
        case _ if len(name) > MAX_KEY_LENGTH:
            reason = f"has a key of more than {MAX_KEY_LENGTH} characters"
        case dict():
            reason = f"is nested more than {MAX_DEPTH} groups deep" if converted else "is an empty group"
        case None:
            reason = "is None"
        case list() if len(_encode(converted)) > MAX_TEXT_LENGTH:
            reason = (
                f"is a list of more than {MAX_TEXT_LENGTH:,} characters (log numbers, a Histogram or a Table)"
            )
        case str() if len(converted) > MAX_TEXT_LENGTH:
            notices.once(
                f"key {name[:40]}",
                f"the server stores only the first {MAX_TEXT_LENGTH:,} characters of the text {name[:40]!r}",
            )
            return
        case _:
            return
    shown = name[:40] if len(name) > MAX_KEY_LENGTH else name
    notices.once(
        f"key {shown}",
        f"the value of {shown!r} {reason}: it is stored only in the run's folder on this machine, not on "
        "the server",
    )


def encode(
    header: Mapping[str, object], values: Mapping[str, object], notices: Notices
) -> tuple[bytes, Mapping[str, object]]:
    """Return the line of a row and the values in it; warn once about each value that is left out.

    Args:
        header: members at the start of the line.
        values: metrics as JSON values.
        notices: receives the warnings.
    """
    try:
        line = f"{_encode({**header, **values})}\n".encode("ascii")  # newlines in text are escaped
    except (ValueError, RecursionError):  # Python cannot format integers of thousands of digits
        line = b""
    if 0 < len(line) <= MAX_LINE_BYTES:
        return line, values
    fitting = _fitting(values, MAX_LINE_BYTES - len(_encode(header)) - 2, notices)
    return f"{_encode({**header, **fitting})}\n".encode("ascii"), fitting


def _fitting(values: Mapping[str, object], room: int, notices: Notices) -> Mapping[str, object]:
    """Return the values that fit into one line; short values take precedence over long ones."""
    sizes: dict[str, int] = {}
    for name, value in values.items():
        try:
            sizes[name] = len(_encode({name: value}))  # includes braces, which leave room for the comma
        except (ValueError, RecursionError) as error:
            _warn_of_skipped(name, error, notices)
    fitting: set[str] = set()
    for name in sorted(sizes, key=sizes.__getitem__):
        room -= sizes[name]
        if room >= 0:
            fitting.add(name)
        else:
            _warn_of_skipped(name, "the row would be longer than 1 MiB", notices)
    return {name: value for name, value in values.items() if name in fitting}
