"""Conversion between an entity and the values of a row, as lines of Python; used by the build.

The types of a column and of its field decide it: enums, dataclasses below the entity, JSON in a text.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from enum import Enum
from types import UnionType
from typing import Union, get_args, get_origin

from sweepd_kernel.sql.mapping import (
    MappingError,
    ModelColumn,
    Node,
    as_class,
    dataclass_fields,
    field_types,
    without_none,
)


class Imports:
    """Names that a generated module needs, gathered while its lines are made."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {}

    def name(self, thing: type | Callable[..., object]) -> str:
        """Return the name of a class or function, and have it imported."""
        if thing.__module__ != "builtins":
            self._names.setdefault(thing.__module__, set()).add(thing.__name__)
        return thing.__name__

    def annotation(self, hint: object) -> str:
        """Return a type as an annotation."""
        inner, optional = without_none(hint)
        if optional:
            return f"{self.annotation(inner)} | None"
        if hint is Ellipsis:
            return "..."
        arguments = get_args(hint)
        if isinstance(hint, UnionType) or get_origin(hint) is Union:
            return " | ".join(map(self.annotation, arguments))
        if arguments:
            origin = get_origin(hint)
            assert isinstance(origin, type)
            return f"{self.name(origin)}[{', '.join(map(self.annotation, arguments))}]"
        if not isinstance(hint, type):
            raise MappingError(f"{hint} cannot be an annotation")
        return self.name(hint)

    def lines(self) -> list[str]:
        """Return the import statements."""
        return [
            f"from {module} import {', '.join(sorted(names))}"
            for module, names in sorted(self._names.items())
        ]


def encoders(node: Node, start: str, wanted: set[str], imports: Imports) -> tuple[list[str], dict[str, str]]:
    """Return the lines that take an entity apart, and for each of the `wanted` columns its value."""
    lines: list[str] = []
    values: dict[str, str] = {}
    _encode(node, start, "", wanted, imports, lines, values)
    return lines, values


def decoder(node: Node, imports: Imports) -> str:
    """Return the expression that makes a part of an entity of `row`."""
    if node.column is not None:
        return _decoded(node, node.column, imports)
    if not is_dataclass(node.type):
        parts = [decoder(node.children[at], imports) for at in sorted(node.children, key=int)]
        return f"({', '.join(parts)},)"
    made = made_of(node, imports)
    if not node.optional:
        return made
    shown = next((each for each in node.columns() if each.nullable and not _own_optional(node, each)), None)
    if shown is None:
        raise MappingError(f"no column shows whether there is a {node.type}")
    return f"None if row[{shown.index}] is None else {made}"


def made_of(node: Node, imports: Imports, given: Sequence[str] = ()) -> str:
    """Return the call that makes the dataclass of a node; `given`: fields that are variables."""
    parts = [
        f"{name}={decoder(child, imports)}" for name, child in node.children.items() if child.readable
    ] + [f"{name}={name}" for name in given]
    return f"{imports.name(as_class(node.type))}({', '.join(parts)})"


def _encode(
    node: Node,
    expression: str,
    guard: str,
    wanted: set[str],
    imports: Imports,
    lines: list[str],
    values: dict[str, str],
) -> None:
    """Add the lines and values of a node at `expression`; where `guard` is None there is no such node."""
    for step, child in node.children.items():
        names = {each.name for each in child.columns()} & wanted
        if not names:
            continue
        at = f"{expression}[{step}]" if isinstance(step, int) else f"{expression}.{step}"
        if child.column is not None:
            value = _encoded(child, child.column, at, imports)
            values[child.column.name] = f"None if {guard} is None else {value}" if guard else value
            continue
        local = f"{re.sub(r'[^a-z_0-9]', '_', at.split('.', 1)[-1]).strip('_')}_"
        lines.append(f"{local} = None if {guard} is None else {at}" if guard else f"{local} = {at}")
        inner_guard = local if child.optional or guard else ""
        _encode(child, local, inner_guard, wanted, imports, lines, values)


def _encoded(node: Node, column: ModelColumn, at: str, imports: Imports) -> str:
    if column.encode is not None:
        value = f"{imports.name(column.encode)}({at})"
    elif column.type is not str or _is_text(node.type):
        return at
    elif get_origin(node.type) is tuple:
        return f'_json({_to_json(node.type, at, imports)}) if {at} else "[]"'
    elif issubclass(get_origin(node.type) or object, Mapping):
        return f'_json({_to_json(node.type, at, imports)}) if {at} else "{{}}"'
    else:
        value = f"_json({_to_json(node.type, at, imports)})"
    return f"(None if {at} is None else {value})" if node.optional else value


def _decoded(node: Node, column: ModelColumn, imports: Imports) -> str:
    at = f"row[{column.index}]"
    if column.decode is not None:
        value = f"{imports.name(column.decode)}({at})"
    elif column.type is bool:
        value = f"bool({at})"
    elif column.type is not str or node.type is str:
        return at
    elif isinstance(node.type, type) and issubclass(node.type, Enum):
        value = f"{imports.name(node.type)}({at})"
    elif get_origin(node.type) is tuple:
        return f'() if {at} == "[]" else {_from_json(node.type, f"_loads({at})", imports)}'
    else:
        value = _from_json(node.type, f"_loads({at})", imports)
    return f"None if {at} is None else {value}" if node.optional else value


def _to_json(hint: object, at: str, imports: Imports) -> str:
    """Return the expression for what of a value goes into JSON."""
    inner, optional = without_none(hint)
    if optional:
        value = _to_json(inner, at, imports)
        return value if value == at else f"None if {at} is None else {value}"
    if get_origin(inner) is tuple:
        each = _to_json(get_args(inner)[0], "each", imports)
        return at if each == "each" else f"[{each} for each in {at}]"
    if isinstance(inner, type) and is_dataclass(inner):
        hints = field_types(inner)
        parts = [
            f'"{part.name}": {_to_json(hints[part.name], f"{at}.{part.name}", imports)}'
            for part in dataclass_fields(inner)
        ]
        return f"{{{', '.join(parts)}}}"
    return at


def _from_json(hint: object, at: str, imports: Imports) -> str:
    """Return the expression that makes a value of what JSON had."""
    inner, optional = without_none(hint)
    if optional:
        value = _from_json(inner, at, imports)
        return value if value == at else f"None if {at} is None else {value}"
    if get_origin(inner) is tuple:
        each = _from_json(get_args(inner)[0], "each", imports)
        return f"tuple({at})" if each == "each" else f"tuple({each} for each in {at})"
    if isinstance(inner, type) and is_dataclass(inner):
        hints = field_types(inner)
        changed = {
            part.name: expression
            for part in dataclass_fields(inner)
            if (expression := _from_json(hints[part.name], f'{at}["{part.name}"]', imports))
            != f'{at}["{part.name}"]'
        }
        if not changed:
            return f"{imports.name(inner)}(**{at})"
        listed = ", ".join(f'"{name}": {expression}' for name, expression in changed.items())
        return f"{imports.name(inner)}(**({at} | {{{listed}}}))"
    if isinstance(inner, type) and issubclass(inner, Enum):
        return f"{imports.name(inner)}({at})"
    return at


def _is_text(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, str)


def _own_optional(node: Node, column: ModelColumn) -> bool:
    """Return whether a column below a node may be null although the node is there."""
    for child in node.children.values():
        if child.column is column:
            return child.optional
        if column in child.columns():
            return child.optional or _own_optional(child, column)
    return False
