"""Undo log of staged writes, which keeps the inverse of each write until the batch is stored."""

from collections.abc import Callable, MutableMapping, MutableSequence, MutableSet
from operator import delitem, setitem
from typing import Any, TypeVar, TypeVarTuple

K = TypeVar("K")
V = TypeVar("V")
Args = TypeVarTuple("Args")


class UndoLog:
    """Undo log of all writes since the last batch was stored."""

    def __init__(self) -> None:
        # Each entry is a tuple of a function and its arguments; a closure would be five objects.
        self._undo: list[tuple[Any, ...]] = []

    def record(self, undo: Callable[[*Args], object], *args: *Args) -> None:
        """Record the inverse of a write that was just made."""
        self._undo.append((undo, *args))

    def set(self, entity: object, name: str, value: object) -> None:
        """Set an attribute of an object."""
        self._undo.append((setattr, entity, name, getattr(entity, name)))
        setattr(entity, name, value)

    def put(self, mapping: MutableMapping[K, V], key: K, value: V) -> None:
        """Set an entry of a mapping."""
        if key in mapping:
            self._undo.append((setitem, mapping, key, mapping[key]))
        else:
            self._undo.append((delitem, mapping, key))
        mapping[key] = value

    def drop(self, mapping: MutableMapping[K, V], key: K) -> V | None:
        """Remove an entry of a mapping and return its value; None if there is no entry."""
        if key not in mapping:
            return None
        before = mapping.pop(key)
        self._undo.append((setitem, mapping, key, before))
        return before

    def add(self, members: MutableSet[K], member: K) -> None:
        """Add a member to a set."""
        if member not in members:
            members.add(member)
            self._undo.append((members.discard, member))

    def discard(self, members: MutableSet[K], member: K) -> None:
        """Remove a member from a set, if present."""
        if member in members:
            members.discard(member)
            self._undo.append((members.add, member))

    def append(self, entries: MutableSequence[V], entry: V) -> None:
        """Append an entry to a list."""
        entries.append(entry)
        self._undo.append((entries.pop,))

    def remove(self, entries: MutableSequence[V], entry: V) -> None:
        """Remove the first entry of a list that equals `entry`; there must be one."""
        place = entries.index(entry)
        self._undo.append((entries.insert, place, entries.pop(place)))

    def mark(self) -> int:
        """Return the current position, for `back_to`."""
        return len(self._undo)

    def back_to(self, mark: int) -> None:
        """Undo every write since a mark, latest first."""
        while len(self._undo) > mark:
            undo, *args = self._undo.pop()
            undo(*args)

    def keep(self) -> None:
        """Forget how to undo the writes: the batch is stored."""
        self._undo.clear()
