"""Lists in which something is damaged: the rest is shown first, then the damage is reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from sweepd.errors import ClientError

T = TypeVar("T")


class Readable:
    """Yields lists without an error for what is damaged, and keeps the first for the end."""

    def __init__(self) -> None:
        self._damage: ClientError | None = None

    def of(self, entries: Iterable[T]) -> Iterator[T]:
        """Yield entries up to the error that tells of damage, which comes behind all that can be read."""
        try:
            yield from entries
        except ClientError as error:
            if error.code != "DATA_LOSS":
                raise
            self._damage = self._damage or error

    def finish(self) -> None:
        """Raise the error that was kept, if there is one."""
        if self._damage is not None:
            raise self._damage
