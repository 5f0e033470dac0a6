"""Checks the `command` of a file: unknown macros, and what a shell would split."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from sweepd.spec.arguments.command import (
    hiding_macros,
    shadowed_macros,
    stuck_macros,
    unknown_macros,
    uses_program,
)
from sweepd.spec.codes import WarningCode
from sweepd.spec.limits import MAX_MACRO_WARNINGS
from sweepd.spec.loading.fields import Fields
from sweepd.spec.loading.nodes import SequenceNode
from sweepd.spec.reading.check_lengths import check_lengths
from sweepd.spec.wording import shown

_SEVERAL_WORDS: Final = re.compile(
    r"(?:--?[A-Za-z][\w.-]*|(?:python[\d.]*|bash|sh|torchrun|accelerate|deepspeed|poetry|uv|srun)) +\S",
    re.ASCII,
)
"""An option with its value, or a program with its arguments, as a shell would take them."""
_SCRIPT_FOLLOWS: Final = re.compile(r"-[a-z]*c", re.ASCII)


def check_command(fields: Fields, command: tuple[str, ...], parameters: Mapping[str, object]) -> None:
    """Warn of macros that nothing stands for or a parameter takes, and of a `program` that is missing."""
    for index, macro, near in islice(unknown_macros(command, parameters), MAX_MACRO_WARNINGS):
        becomes = "it becomes no argument" if command[index] == macro else "it is not expanded"
        _warn(fields, index, "unknown-macro", f"unknown macro {shown(macro)}: {becomes}", near)
    for index, macro in islice(shadowed_macros(command, parameters), MAX_MACRO_WARNINGS):
        name = macro.strip("${}").partition(".")[0]
        message = f"{shown(macro)}: the parameter `{name}` comes before what is known of the run; rename it"
        _warn(fields, index, "shadowed-macro", message)
    for index, macro in islice(hiding_macros(command, parameters), MAX_MACRO_WARNINGS):
        message = f"{shown(macro)} is a macro, not the parameter of that name; rename the parameter"
        _warn(fields, index, "hidden-parameter", message)
    if not fields.findings.has_errors:
        check_lengths(fields, command)
    for index, macro in islice(stuck_macros(command), MAX_MACRO_WARNINGS):
        message = f"{shown(macro)} is expanded only as an item of its own; here it stays as it is"
        _warn(fields, index, "embedded-macro", message)
    for index in islice(_unsplit(command), MAX_MACRO_WARNINGS):
        message = "this is one argument, blanks included, as no shell splits it; make each word an item"
        _warn(fields, index, "unsplit-argument", message)
    if "program" not in fields and uses_program(command):
        message = "no `program`: agents that start a command cannot run this sweep"
        fields.findings.warning(fields.place, "", "no-program", message)


def _unsplit(command: tuple[str, ...]) -> Iterator[int]:
    """Yield the numbers of items that were meant to be several; what follows `sh -c` is for a shell."""
    for index, item in enumerate(command):
        script = index > 0 and _SCRIPT_FOLLOWS.fullmatch(command[index - 1])
        if not script and _SEVERAL_WORDS.match(item):
            yield index


def _warn(fields: Fields, index: int, code: WarningCode, message: str, suggestion: str | None = None) -> None:
    node = fields.node_at("command")
    items = node.items if isinstance(node, SequenceNode) else ()
    place = items[index].place if index < len(items) else None
    fields.findings.warning(place, f"command[{index}]", code, message, suggestion)
