"""Checksum of a stored row of integers and a body."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast
from zlib import crc32


def checksum(row: Sequence[object]) -> int:
    """Return the CRC-32 of a row of integers followed by a body.

    The checksum detects a changed body, and a body in the wrong row.
    """
    *numbers, body = row
    return crc32(cast(bytes, body), crc32(_layout(len(numbers)).pack(*numbers)))


def is_intact(row: Sequence[object], stored: object) -> bool:
    """Return True if a row matches its stored checksum."""
    try:
        return checksum(row) == stored
    except (TypeError, struct.error):  # a damaged row may have text in place of a number
        return False


@cache
def _layout(numbers: int) -> struct.Struct:
    return struct.Struct(f"<{numbers}q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Damaged part of a run.

    Args:
        run: full name of the run.
        attempt: number of the attempt; 0 for a file, which belongs to the run.
        what: type of the part: `points`, `summary`, `log` or `file`.
        name: key of the points or of the summary, or name of the file; empty for a log.
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
    """A stored body is damaged."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(str(damage))
        self.damage = damage
