"""Undo log of staged writes: the inverse of each write is kept until the batch is stored."""

from collections.abc import Callable, MutableMapping, MutableSequence, MutableSet
from operator import delitem, setitem
from typing import Any, TypeVar, TypeVarTuple

K = TypeVar("K")
V = TypeVar("V")
Args = TypeVarTuple("Args")


class UndoLog:
    """Inverses of the writes since the last batch was stored, latest last."""

    def __init__(self) -> None:
        # Each is a function and its arguments in one tuple: a closure would be five objects.
        self._undo: list[tuple[Any, ...]] = []

    def record(self, undo: Callable[[*Args], object], *args: *Args) -> None:
        """Record the inverse of a write that was just made."""
        self._undo.append((undo, *args))

    def set(self, entity: object, name: str, value: object) -> None:
        """Set an attribute."""
        self._undo.append((setattr, entity, name, getattr(entity, name)))
        setattr(entity, name, value)

    def put(self, mapping: MutableMapping[K, V], key: K, value: V) -> None:
        """Set an entry."""
        if key in mapping:
            self._undo.append((setitem, mapping, key, mapping[key]))
        else:
            self._undo.append((delitem, mapping, key))
        mapping[key] = value

    def drop(self, mapping: MutableMapping[K, V], key: K) -> V | None:
        """Remove an entry, if it is there, and return it."""
        if key not in mapping:
            return None
        before = mapping.pop(key)
        self._undo.append((setitem, mapping, key, before))
        return before

    def add(self, members: MutableSet[K], member: K) -> None:
        """Add a member."""
        if member not in members:
            members.add(member)
            self._undo.append((members.discard, member))

    def discard(self, members: MutableSet[K], member: K) -> None:
        """Remove a member, if it is there."""
        if member in members:
            members.discard(member)
            self._undo.append((members.add, member))

    def append(self, entries: MutableSequence[V], entry: V) -> None:
        """Add an entry at the end."""
        entries.append(entry)
        self._undo.append((entries.pop,))

    def remove(self, entries: MutableSequence[V], entry: V) -> None:
        """Remove the first entry equal to `entry`, which must exist."""
        place = entries.index(entry)
        self._undo.append((entries.insert, place, entries.pop(place)))

    def mark(self) -> int:
        """Return a mark for `back_to`."""
        return len(self._undo)

    def back_to(self, mark: int) -> None:
        """Undo every write since the mark, latest first."""
        while len(self._undo) > mark:
            undo, *args = self._undo.pop()
            undo(*args)

    def keep(self) -> None:
        """Make the writes final."""
        self._undo.clear()
