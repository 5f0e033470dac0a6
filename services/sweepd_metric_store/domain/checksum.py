"""Checksum of a stored body and of the numbers that say where it belongs."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from zlib import crc32


def checksum(body: bytes, *place: int) -> int:
    """Return the CRC-32 of `body` and of `place`, the numbers of its row.

    So a body that has come to lie in the row of another is noticed as well as one that has changed.
    """
    return crc32(body, crc32(_layout(len(place)).pack(*place)))


def intact(stored: int, body: bytes, *place: int) -> bool:
    """Tell whether a row is as it was written, of which `stored` is the checksum."""
    try:
        return checksum(body, *place) == stored
    except (TypeError, struct.error):  # where the layout of a row is damaged, a number comes back as a text
        return False


@cache
def _layout(numbers: int) -> struct.Struct:
    return struct.Struct(f"<{numbers}q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Part of a run that cannot be read back as it was written.

    Args:
        run: its full name.
        attempt: the attempt; 0 where it is a file, which belongs to the run.
        what: `points`, `summary`, `log` or `file`.
        name: the key of the points or of the summary, or the name of the file; empty for a log.
    """

    run: str
    attempt: int
    what: str
    name: str = ""

    def __str__(self) -> str:
        of = f" of {self.name!r}" if self.name else ""
        attempt = f", attempt {self.attempt}" if self.attempt else ""
        return f"the {self.what}{of}, run {self.run}{attempt}"


class DamagedBodyError(Exception):
    """A stored body is not what was written."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(str(damage))
        self.damage = damage
