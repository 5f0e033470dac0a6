"""Conversion of a script's details to a message of bounded size, and of messages to JSON.

Values of a script may be NaN, large or of any type; they never cause an error here.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sweepd import v1
from sweepd.codec.values import MAX_VALUE_DEPTH, fill_map
from sweepd.metrics_file import MAX_KEY_LENGTH
from sweepd.spec.limits import INT64_MAX, INT64_MIN
from sweepd.spec.point import Json

MAX_DETAILS_BYTES: Final = 512 * 1024
MAX_TAGS: Final = 1_000
MAX_DEFINITIONS: Final = 1_000
_MAX_NAMES: Final = 100
_MAX_TEXT: Final = 64 * 1024
_GOALS: Final = {"minimize": v1.GOAL_MINIMIZE, "maximize": v1.GOAL_MAXIMIZE}


def details_message(document: Mapping[str, object]) -> v1.RunDetails:
    """Return the details that a script has written as a message; leave out members of a wrong type."""
    message = v1.RunDetails(
        display_name=_short_text(document.get("name")),
        notes=_short_text(document.get("notes")),
        group=_short_text(document.get("group")),
        job_type=_short_text(document.get("job_type")),
        tags=_tags(document.get("tags")),
        definitions=_definitions(document.get("definitions")),
        preempting=document.get("preempting") is True,
    )
    step = document.get("resumed_from_step")
    if isinstance(step, int) and not isinstance(step, bool) and INT64_MIN <= step <= INT64_MAX:
        message.resumed_from_step = step
    for name, target in (("config", message.config), ("summary", message.summary)):
        members = document.get(name)
        if isinstance(members, Mapping) and members:
            target.SetInParent()
            fill_map(target, _encodable_map(members, 0), name, finite=False)
    return cut_to_size(message, MAX_DETAILS_BYTES)


def cut_to_size(message: v1.RunDetails, limit: int) -> v1.RunDetails:
    """Shrink a message to `limit` bytes: drop large members of `config` and `summary`, then other fields."""
    size = message.ByteSize()
    if size <= limit:
        return message
    members = [
        (entry.ByteSize(), name, entry.name)
        for name, entries in (("config", message.config.entries), ("summary", message.summary.entries))
        for entry in entries
    ]
    dropped: set[tuple[str, str]] = set()
    for weight, name, member in sorted(members, reverse=True):
        if size <= limit - _MAX_NAMES * 128:  # leave room for the names of members left out
            break
        dropped.add((name, member))
        size -= weight
    for name, target in (("config", message.config), ("summary", message.summary)):
        kept = [entry for entry in target.entries if (name, entry.name) not in dropped]
        if len(kept) < len(target.entries):
            del target.entries[:]
            target.entries.extend(kept)
    message.left_out.extend(sorted(f"{name}.{member}"[:100] for name, member in dropped)[:_MAX_NAMES])
    if message.ByteSize() > limit:
        for field in ("tags", "definitions", "notes"):
            message.ClearField(field)
            message.left_out.append(field)
    return message


def plain_map(message: v1.ParameterMap) -> dict[str, Json]:
    """Return a map message as a dictionary of plain values; NaN and infinities stay floats."""
    return {entry.name: plain_value(entry.value) for entry in message.entries}


def plain_value(message: v1.ParameterValue) -> Json:
    """Return a value message as a plain value."""
    match message.WhichOneof("kind"):
        case None | "null_value":
            return None
        case "list_value":
            return [plain_value(item) for item in message.list_value.values]
        case "map_value":
            return plain_map(message.map_value)
        case kind:
            value: Json = getattr(message, kind)
            return value


def summary_number(summary: Mapping[str, object], key: str) -> float | None:
    """Return the number at a key of a summary, including NaN and infinities; None if there is none.

    Any dot of the key may separate a group from a member. An exact name takes precedence over nested names,
    as in rows.
    """
    exact = summary.get(key)
    if isinstance(exact, int | float) and not isinstance(exact, bool):
        return _as_float(exact)
    at = key.find(".")
    while at >= 0:
        group = summary.get(key[:at])
        if isinstance(group, Mapping) and (found := summary_number(group, key[at + 1 :])) is not None:
            return found
        at = key.find(".", at + 1)
    return None


def summary_names(summary: Mapping[str, object], prefix: str = "") -> list[str]:
    """Return the keys of the numbers in a summary, dotted for members of groups; leave out overlong keys."""
    names: list[str] = []
    for key, value in summary.items():
        if isinstance(value, Mapping):
            names += summary_names(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            names.append(f"{prefix}{key}")
    return [name for name in names if len(name) <= MAX_KEY_LENGTH]


def context_document(context: v1.RunContext) -> dict[str, Json]:
    """Return the context of an attempt (machine, Python, git) as JSON."""
    git = context.git
    return {
        "argv": list(context.argv),
        "directory": context.directory,
        "host": context.host,
        "os": context.os,
        "cpuCount": context.cpu_count,
        "memoryBytes": context.memory_bytes,
        "gpus": [{"name": gpu.name, "memoryBytes": gpu.memory_bytes} for gpu in context.gpus],
        "python": {
            "version": context.python_version,
            "executable": context.python_executable,
            "packages": context.package_count,
        }
        if context.python_version
        else None,
        "git": {
            "commit": git.commit or None,
            "branch": git.branch or None,
            "remote": git.remote or None,
            "dirty": git.dirty,
        }
        if context.HasField("git")
        else None,
        "missing": list(context.missing),
    }


def _tags(value: object) -> list[str]:
    listed = value if isinstance(value, list | tuple) else []
    return [_short_text(tag) for tag in listed[:MAX_TAGS] if isinstance(tag, str)]


def _definitions(value: object) -> list[v1.MetricDefinition]:
    if not isinstance(value, Mapping):
        return []
    return [
        v1.MetricDefinition(
            name=_short_text(name),
            summary=_tags(definition.get("summary")),
            step_metric=_short_text(definition.get("step_metric")),
            goal=_GOALS.get(_short_text(definition.get("goal")), v1.GOAL_UNSPECIFIED),
            hidden=definition.get("hidden") is True,
        )
        for name, definition in list(value.items())[:MAX_DEFINITIONS]
        if isinstance(definition, Mapping)
    ]


def _encodable(value: object, depth: int) -> Json:
    """Return a value of a script in a form that a message can hold; floats may be NaN or infinite."""
    match value:
        case None | bool() | float():
            return value
        case int() if INT64_MIN <= value <= INT64_MAX:
            return value
        case str():
            return _text(value)
        case Mapping() if depth < MAX_VALUE_DEPTH:
            return _encodable_map(value, depth + 1)
        case Sequence() if depth < MAX_VALUE_DEPTH:
            return [_encodable(item, depth + 1) for item in value]
        case _:  # nested too deeply for a message, too large a number, or of another type
            return _text(str(value))[:1_000]


def _encodable_map(members: Mapping[object, object], depth: int) -> dict[str, Json]:
    return {_text(str(name)): _encodable(value, depth) for name, value in members.items()}


def _short_text(value: object) -> str:
    return _text(value)[:_MAX_TEXT] if isinstance(value, str) else ""


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _text(value: str) -> str:
    """Return text without the characters that are invalid in a message."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()
