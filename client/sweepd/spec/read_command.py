"""Reads the `command` of a file, and warns of macros that nothing stands for."""

from collections.abc import Mapping
from itertools import islice

from sweepd.spec.command import shadowed_macros, unknown_macros, uses_program
from sweepd.spec.diagnostic import shown
from sweepd.spec.fields import Fields
from sweepd.spec.limits import MAX_MACRO_WARNINGS
from sweepd.spec.nodes import Entry, ScalarNode, SequenceNode


def read_command(fields: Fields) -> tuple[str, ...]:
    """Return the items as text: numbers and booleans as Python writes them."""
    entry = fields.node.entries.get("command")
    if entry is None:
        return ()
    if not isinstance(entry.node, SequenceNode):
        message = "must be a list; each argument is an item of its own, no shell is involved"
        fields.error("bad-type", message, key="command")
        return ()
    items: list[str] = []
    for index, item in enumerate(entry.node.items):
        if isinstance(item, ScalarNode) and item.value is not None:
            items.append(str(item.value))
        else:
            message = "an item is text, a number or a boolean"
            fields.findings.error(item.place, f"command[{index}]", "bad-type", message)
    return tuple(items)


def check_command(fields: Fields, command: tuple[str, ...], parameters: Mapping[str, object]) -> None:
    """Warn of macros that nothing stands for or a parameter takes, and of a `program` that is missing."""
    entry: Entry | None = fields.node.entries.get("command")
    items = entry.node.items if entry is not None and isinstance(entry.node, SequenceNode) else ()
    for index, macro, near in islice(unknown_macros(command, parameters), MAX_MACRO_WARNINGS):
        place = items[index].place if index < len(items) else None
        message = f"unknown macro {shown(macro)}: it is not expanded"
        fields.findings.warning(place, f"command[{index}]", "unknown-macro", message, near)
    for index, macro in islice(shadowed_macros(command, parameters), MAX_MACRO_WARNINGS):
        place = items[index].place if index < len(items) else None
        name = macro.strip("${}").partition(".")[0]
        message = f"{shown(macro)}: the parameter `{name}` comes before what is known of the run; rename it"
        fields.findings.warning(place, f"command[{index}]", "shadowed-macro", message)
    if "program" not in fields and uses_program(command):
        message = "no `program`: agents that start a command cannot run this sweep"
        fields.findings.warning(fields.place, "", "no-program", message)
