"""Checks of `command`: unknown macros, unsplit arguments, and values too long for an argument."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sweepd.spec.command import DEFAULT_COMMAND, macro_names, macros_of, uses_program
from sweepd.spec.finding import Place, WarningCode
from sweepd.spec.limits import LONGEST_NUMBER, MAX_ARGUMENT_BYTES, MAX_MACRO_WARNINGS
from sweepd.spec.loading.fields import Fields
from sweepd.spec.loading.tree import MappingNode, Node, SequenceNode, plain
from sweepd.spec.macros import FORMS, MACROS, REMEDY, is_run_macro, nearest_macro, text_bytes
from sweepd.spec.point import has_parameter
from sweepd.spec.wording import shown

_SEVERAL_WORDS: Final = re.compile(
    r"(?:--?[A-Za-z][\w.-]*|(?:python[\d.]*|bash|sh|torchrun|accelerate|deepspeed|poetry|uv|srun)) +\S",
    re.ASCII,
)
"""Pattern of an item that a shell would split: an option with its value, or a program with its arguments."""
_OPTION_C: Final = re.compile(r"-[a-z]*c", re.ASCII)


def check_command(fields: Fields, command: tuple[str, ...], parameters: Mapping[str, object]) -> None:
    """Warn about macros that may not expand as meant, long or unsplit arguments, and a missing `program`."""
    for index, macro, near in islice(unknown_macros(command, parameters), MAX_MACRO_WARNINGS):
        becomes = "it is left out" if command[index] == macro else "it is not expanded"
        _warn(fields, index, "unknown-macro", f"unknown macro {shown(macro)}: {becomes}", near)
    for index, macro in islice(shadowed_macros(command, parameters), MAX_MACRO_WARNINGS):
        name = macro.strip("${}").partition(".")[0]
        message = f"{shown(macro)}: the parameter `{name}` shadows the macro of the run; rename the parameter"
        _warn(fields, index, "shadowed-macro", message)
    whole = [(index, macro, name) for index, macro, name in macros_of(command) if name in MACROS]
    for index, macro, _ in [each for each in whole if each[2] in parameters][:MAX_MACRO_WARNINGS]:
        message = f"{shown(macro)} is a macro, not the parameter of that name; rename the parameter"
        _warn(fields, index, "hidden-parameter", message)
    if not fields.findings.has_errors:
        _check_lengths(fields, command)
    for index, macro, _ in [each for each in whole if command[each[0]] != each[1]][:MAX_MACRO_WARNINGS]:
        message = f"{shown(macro)} is expanded only as a separate item; here it is not expanded"
        _warn(fields, index, "embedded-macro", message)
    for index in islice(_unsplit(command), MAX_MACRO_WARNINGS):
        message = "no shell splits this item: it is one argument with spaces; make each word an item"
        _warn(fields, index, "unsplit-argument", message)
    if "program" not in fields and uses_program(command):
        message = "no `program`, which the command needs: only agents with a function can run this sweep"
        fields.findings.warning(fields.place, "", "no-program", message)


def unknown_macros(
    command: Sequence[str], parameters: Mapping[str, object]
) -> Iterator[tuple[int, str, str | None]]:
    """Yield the item index, text and nearest valid form of each unknown macro.

    A dotted name below a parameter is accepted, since the value of the parameter may be a mapping.
    """
    for index, text, name in macros_of(command):
        if not (name in MACROS or is_run_macro(name) or has_parameter(parameters, name)):
            near = nearest_macro(name, parameters)
            yield index, text, f"${{{near}}}" if near else None


def shadowed_macros(command: Sequence[str], parameters: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    """Yield the item index and text of each run macro that a parameter or group of the same name may shadow.

    Such a macro expands to the value of the parameter, if there is one. The environment still has the repeat
    and the slot of the run, as SWEEPD_REPEAT and SWEEPD_SLOT.
    """
    for index, text, name in macros_of(command):
        if is_run_macro(name) and (name in parameters or name.partition(".")[0] in parameters):
            yield index, text


def _unsplit(command: tuple[str, ...]) -> Iterator[int]:
    """Yield the index of each item that should be several items, except a script after `sh -c`."""
    for index, item in enumerate(command):
        script = index > 0 and _OPTION_C.fullmatch(command[index - 1])
        if not script and _SEVERAL_WORDS.match(item):
            yield index


def _warn(fields: Fields, index: int, code: WarningCode, message: str, suggestion: str | None = None) -> None:
    node = fields.node_at("command")
    items = node.items if isinstance(node, SequenceNode) else ()
    place = items[index].place if index < len(items) else None
    fields.findings.warning(place, f"command[{index}]", code, message, suggestion)


_FLAT = frozenset({"args_flat", "args_flat_no_hyphens"})


@dataclass(frozen=True, slots=True)
class _Sized:
    """A parameter, group or value, and its maximum size as text in bytes."""

    name: str
    path: str
    place: Place | None
    size: int


def _check_lengths(fields: Fields, command: tuple[str, ...]) -> None:
    """Warn about each value, or group of values, whose size is too large for one argument."""
    names = macro_names(command or DEFAULT_COMMAND)
    groups = bool(names & FORMS - _FLAT)
    sized = (one for one in _all_sized(fields, groups=groups) if one.size > MAX_ARGUMENT_BYTES)
    for one in islice((one for one in sized if _is_passed(one.name, names)), MAX_MACRO_WARNINGS):
        limit = f"more than the {MAX_ARGUMENT_BYTES:,} that Linux allows"
        message = f"an argument of {one.size:,} bytes, {limit}; {REMEDY}"
        fields.findings.warning(one.place, one.path, "long-argument", message)


def _is_passed(parameter: str, names: Collection[str]) -> bool:
    return any(name in FORMS or name == parameter or parameter.startswith(f"{name}.") for name in names)


def _all_sized(fields: Fields, *, groups: bool) -> Iterator[_Sized]:
    parameters = fields.node_at("parameters")
    if isinstance(parameters, MappingNode):
        yield from _group_sizes(parameters, "", "parameters", groups=groups)
    for key in ("initial", "runs"):
        points = fields.node_at(key)
        for index, point in enumerate(points.items if isinstance(points, SequenceNode) else ()):
            for name, entry in point.entries.items() if isinstance(point, MappingNode) else ():
                yield _value_size(name, f"{key}[{index}].{name}", entry.node)


def _group_sizes(group: MappingNode, outer: str, path: str, *, groups: bool) -> Iterator[_Sized]:
    """Yield the size of each parameter value in a group; with `groups`, also the sizes of inner groups."""
    for name, entry in group.entries.items():
        node, whole, where = entry.node, f"{outer}{name}", f"{path}.{name}"
        inner = node.entries.get("parameters") if isinstance(node, MappingNode) else None
        if inner is not None and isinstance(inner.node, MappingNode):
            found = list(_group_sizes(inner.node, f"{whole}.", where, groups=groups))
            yield from found
            if groups and not any(one.size > MAX_ARGUMENT_BYTES for one in found):
                yield _Sized(whole, where, entry.place, _total_size(found))
        elif isinstance(node, MappingNode):
            yield from _parameter_sizes(node, whole, where)


def _parameter_sizes(parameter: MappingNode, name: str, path: str) -> Iterator[_Sized]:
    value, values = parameter.entries.get("value"), parameter.entries.get("values")
    if value is not None:
        yield _value_size(name, f"{path}.value", value.node)
    elif values is not None and isinstance(values.node, SequenceNode):
        for index, item in enumerate(values.node.items):
            yield _value_size(name, f"{path}.values[{index}]", item)
    else:
        yield _Sized(name, path, parameter.place, LONGEST_NUMBER)


def _value_size(name: str, path: str, node: Node) -> _Sized:
    return _Sized(name, path, node.place, text_bytes(str(plain(node))))


def _total_size(found: list[_Sized]) -> int:
    """Return the maximum total size of the values in a group."""
    largest: dict[str, int] = {}
    for one in found:
        largest[one.name] = max(one.size, largest.get(one.name, 0))
    return sum(largest.values())
