"""`dataclasses.replace`, many times as fast: every decision replaces runs, sweeps and sessions."""

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

T = TypeVar("T")


def _replace(entity: T, /, **changes: object) -> T:
    """Return a copy of a frozen dataclass with slots and without `__post_init__`, some fields changed."""
    kind = entity.__class__
    copying = _KNOWN.get(kind)
    if copying is None:
        copying = _KNOWN[kind] = _copying(kind)
    copy: T = copying.copied(entity)
    for name, value in changes.items():
        copying.setters[name](copy, value)
    return copy


if TYPE_CHECKING:
    # The type checker knows which fields of each class this one accepts.
    from dataclasses import replace as replace
else:
    replace = _replace


class _Copying(NamedTuple):
    """Copying of the instances of a class, and setters that write past `frozen`."""

    copied: Callable[[Any], Any]
    setters: dict[str, Callable[[object, object], None]]


_KNOWN: dict[type, _Copying] = {}


def _copying(kind: type[Any]) -> _Copying:
    setters = {field.name: getattr(kind, field.name).__set__ for field in fields(kind)}
    # Written out, as `dataclasses` does with `__init__`: a loop over the fields takes twice as long.
    lines = (f"    set_{name}(copy, entity.{name})" for name in setters)
    source = "\n".join(("def copied(entity):", "    copy = new(kind)", *lines, "    return copy"))
    scope: dict[str, Any] = {f"set_{name}": put for name, put in setters.items()}
    scope |= {"new": object.__new__, "kind": kind}
    exec(source, scope)  # noqa: S102 (the names of our own fields)
    return _Copying(scope["copied"], setters)
