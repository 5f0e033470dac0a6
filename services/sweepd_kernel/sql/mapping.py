"""Mapping between rows of a table and instances of a dataclass, as lines of Python; used by the build.

A column maps to the field of the same name; `values_best` to `values.best`. The types of column and field
determine the conversion: enums, nested dataclasses, JSON in a text.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Union, get_args, get_origin, get_type_hints

_STEP = re.compile(r"(\w+)|\[(\d+)\]")


class MappingError(Exception):
    """A table cannot be mapped to its dataclass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelColumn:
    """Column as described by its model. `index`: its position in the row."""

    name: str
    type: type
    nullable: bool
    key: bool
    index: int
    at: str = ""
    extra: bool = False
    fixed: bool = False
    encode: Callable[..., object] | None = None
    decode: Callable[..., object] | None = None


@dataclass(slots=True)
class Node:
    """The entity or one of its fields: a column, or a dataclass or tuple of several columns."""

    type: object
    optional: bool = False
    column: ModelColumn | None = None
    children: dict[str | int, "Node"] = field(default_factory=dict)
    readable: bool = True
    """True for a field of the dataclass; a property is stored, but not passed to the constructor."""

    def columns(self) -> list[ModelColumn]:
        """Return all columns in the subtree of this node."""
        own = [self.column] if self.column else []
        return own + [each for child in self.children.values() for each in child.columns()]


def without_none(hint: object) -> tuple[object, bool]:
    """Return a type without None, and whether it included None."""
    arguments = get_args(hint)
    if NoneType not in arguments:
        return hint, False
    rest = [each for each in arguments if each is not NoneType]
    if len(rest) == 1:
        return rest[0], True
    return Union[tuple(rest)], True  # noqa: UP007 (made from values)


def tree(entity: type, columns: Sequence[ModelColumn]) -> Node:
    """Return the tree of an entity with each column at its field.

    Raises:
        MappingError: a column has no field, or only one of the two allows None.
    """
    root = Node(entity)
    for column in columns:
        if not column.extra:
            path = _steps(column.at) if column.at else _by_name(entity, column.name)
            if path is None:
                raise MappingError(f"{entity.__name__} has no field for the column {column.name}")
            _place(root, path, column)
    _check(root, may_be_missing=False)
    return root


def missing(node: Node) -> list[tuple[str, object]]:
    """Return the name and type of each field of the entity that has no column."""
    hints = field_types(node.type)
    return [
        (each.name, hints[each.name])
        for each in dataclass_fields(node.type)
        if each.init and each.name not in node.children
    ]


def _steps(path: str) -> list[str | int]:
    return [name or int(index) for name, index in _STEP.findall(path)]


def _by_name(owner: type, name: str) -> list[str | int] | None:
    """Return the path of a column's field, such as `values.best` for `values_best`; None if none fits."""
    own = {each.name for each in dataclass_fields(owner)}
    if name in own or isinstance(getattr(owner, name, None), property):
        return [name]
    hints = field_types(owner)
    for each in dataclass_fields(owner):
        inner, _ = without_none(hints[each.name])
        if name.startswith(f"{each.name}_") and isinstance(inner, type) and is_dataclass(inner):
            rest = _by_name(inner, name.removeprefix(f"{each.name}_"))
            if rest is not None:
                return [each.name, *rest]
    return None


def _place(root: Node, path: Sequence[str | int], column: ModelColumn) -> None:
    node = root
    for step in path:
        if step not in node.children:
            node.children[step] = _child(node.type, step)
        node = node.children[step]
    node.column = column


def _check(node: Node, *, may_be_missing: bool) -> None:
    """Raise MappingError unless a column is nullable exactly if its field may be None."""
    may_be_missing |= node.optional
    if node.column is not None and node.column.nullable != may_be_missing:
        raise MappingError(f"the column {node.column.name} and its field must both allow None, or neither")
    for child in node.children.values():
        _check(child, may_be_missing=may_be_missing)


def _child(owner: object, step: str | int) -> Node:
    if isinstance(step, int):
        arguments = [each for each in get_args(owner) if each is not Ellipsis]
        inner, optional = without_none(arguments[min(step, len(arguments) - 1)])
        return Node(inner, optional)
    assert isinstance(owner, type)
    attribute = getattr(owner, step, None)
    if isinstance(attribute, property):
        hint = get_type_hints(attribute.fget)["return"]
        inner, optional = without_none(hint)
        return Node(inner, optional, readable=False)
    hints = field_types(owner)
    if step not in hints:
        raise MappingError(f"{owner.__name__} has no {step}")
    inner, optional = without_none(hints[step])
    return Node(inner, optional)


def field_types(owner: object) -> dict[str, object]:
    """Return the type of each field; a recursive alias, such as that of JSON, is not expanded."""
    names = vars(sys.modules[as_class(owner).__module__])
    return {
        each.name: eval(each.type, names) if isinstance(each.type, str) else each.type  # noqa: S307 (our own code)
        for each in dataclass_fields(owner)
    }


def dataclass_fields(owner: object) -> tuple[Field[object], ...]:
    """Return the fields of a dataclass."""
    return tuple(fields(as_class(owner)))


def as_class(owner: object) -> type:
    """Return `owner` narrowed to a class."""
    assert isinstance(owner, type)
    return owner


class Imports:
    """Imports of a generated module, collected while its lines are generated."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {}

    def name(self, thing: type | Callable[..., object]) -> str:
        """Return the name of a class or function, and add its import."""
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
    """Return the lines that unpack an entity, and the value expression of each column in `wanted`."""
    lines: list[str] = []
    values: dict[str, str] = {}
    _encode(node, start, "", wanted, imports, lines, values)
    return lines, values


def decoder(node: Node, imports: Imports) -> str:
    """Return the expression that decodes a part of an entity from `row`."""
    if node.column is not None:
        return _decoded(node, node.column, imports)
    if not is_dataclass(node.type):
        parts = [decoder(node.children[at], imports) for at in sorted(node.children, key=int)]
        return f"({', '.join(parts)},)"
    made = constructor_call(node, imports)
    if not node.optional:
        return made
    marker = next((each for each in node.columns() if each.nullable and not _may_be_null(node, each)), None)
    if marker is None:
        raise MappingError(f"no column is null exactly if the {node.type} is None")
    return f"None if row[{marker.index}] is None else {made}"


def constructor_call(node: Node, imports: Imports, given: Sequence[str] = ()) -> str:
    """Return the constructor call of a node's dataclass; `given`: fields whose values are in variables."""
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
    """Add lines and values of a node at `expression`; `guard`: variable that is None if the node is None."""
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
    """Return the expression that converts a value to JSON types."""
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
    """Return the expression that converts JSON types to a value."""
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


def _may_be_null(node: Node, column: ModelColumn) -> bool:
    """Return True if a column in the subtree of a node may be null although the node is not None."""
    for child in node.children.values():
        if child.column is column:
            return child.optional
        if column in child.columns():
            return child.optional or _may_be_null(child, column)
    return False
