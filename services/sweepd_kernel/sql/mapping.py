"""Places of a table's columns in the dataclass that a row is; used by the build.

A column stands for the field of its name; `values_best` stands for `values.best`.
"""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import Field, dataclass, field, fields, is_dataclass
from types import NoneType
from typing import Union, get_args, get_type_hints

_STEP = re.compile(r"(\w+)|\[(\d+)\]")


class MappingError(Exception):
    """A table cannot be mapped to its dataclass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelColumn:
    """A column as its model describes it. `index`: its place in the row."""

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
    """A field of the entity, or the entity itself: a column, or a dataclass or tuple that several make up."""

    type: object
    optional: bool = False
    column: ModelColumn | None = None
    children: dict[str | int, "Node"] = field(default_factory=dict)
    readable: bool = True
    """True for a field; a property is written and not read back."""

    def columns(self) -> list[ModelColumn]:
        """Return all columns below it."""
        own = [self.column] if self.column else []
        return own + [each for child in self.children.values() for each in child.columns()]


def without_none(hint: object) -> tuple[object, bool]:
    """Return a type without None, and whether that was among its values."""
    arguments = get_args(hint)
    if NoneType not in arguments:
        return hint, False
    rest = [each for each in arguments if each is not NoneType]
    if len(rest) == 1:
        return rest[0], True
    return Union[tuple(rest)], True  # noqa: UP007 (made from values)


def tree(entity: type, columns: Sequence[ModelColumn]) -> Node:
    """Return the entity with each column at its place.

    Raises:
        MappingError: a column has none.
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
    """Return name and type of the fields of the entity that no column stands for."""
    hints = field_types(node.type)
    return [
        (each.name, hints[each.name])
        for each in dataclass_fields(node.type)
        if each.init and each.name not in node.children
    ]


def _steps(path: str) -> list[str | int]:
    return [name or int(index) for name, index in _STEP.findall(path)]


def _by_name(owner: type, name: str) -> list[str | int] | None:
    """Return the path to which the name of a column leads: `values_best` to `values.best`."""
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
    """Refuse a column that may be null where its field may not be None, and the other way round."""
    may_be_missing |= node.optional
    if node.column is not None and node.column.nullable != may_be_missing:
        raise MappingError(f"the column {node.column.name} and its field do not agree on None")
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
    """Return the type of each field; an alias that names itself, as that of JSON does, stays as it is."""
    names = vars(sys.modules[as_class(owner).__module__])
    return {
        each.name: eval(each.type, names) if isinstance(each.type, str) else each.type  # noqa: S307 (our own code)
        for each in dataclass_fields(owner)
    }


def dataclass_fields(owner: object) -> tuple[Field[object], ...]:
    """Return the fields of a type that is a dataclass."""
    return tuple(fields(as_class(owner)))


def as_class(owner: object) -> type:
    """Return a type that is a class as one."""
    assert isinstance(owner, type)
    return owner
