"""`dataclasses.replace`, about three times as fast: every decision replaces runs, sweeps and sessions."""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

T = TypeVar("T")


def _replace(entity: T, /, **changes: object) -> T:
    """Return a copy of a frozen dataclass with slots and without `__post_init__`, some fields changed."""
    kind = entity.__class__
    slots = _KNOWN.get(kind)
    if slots is None:
        slots = _KNOWN[kind] = _slots_of(kind)
    copy = object.__new__(kind)
    for put, value in zip(slots.setters, slots.values(entity), strict=True):
        put(copy, value)
    for name, value in changes.items():
        slots.by_name[name](copy, value)
    return copy


if TYPE_CHECKING:
    # The type checker knows of this one what each class may be given.
    from dataclasses import replace as replace
else:
    replace = _replace


class _Slots(NamedTuple):
    """How the fields of a class are read and, past `frozen`, written."""

    values: Callable[[Any], tuple[object, ...]]
    setters: tuple[Callable[[object, object], None], ...]
    by_name: dict[str, Callable[[object, object], None]]


_KNOWN: dict[type, _Slots] = {}


def _slots_of(kind: type[Any]) -> _Slots:
    names = [field.name for field in fields(kind)]
    by_name = {name: getattr(kind, name).__set__ for name in names}
    # With one name alone `attrgetter` returns a bare value; naming it twice changes nothing.
    return _Slots(attrgetter(*names, names[0]), (*by_name.values(), by_name[names[0]]), by_name)
