"""Objectives made of another key: `loss.min` is the smallest `loss` so far where no such key is logged."""

import math
from dataclasses import dataclass, replace
from typing import Final

_BETTER: Final = {"min": min, "max": max}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extreme:
    """What a watched key has come to that is made of another one.

    Args:
        key: index of the watched key.
        word: `min` or `max`.
        value: the extreme of the finite values so far; None before the first.
    """

    key: int
    word: str
    value: float | None = None

    def after(self, value: float) -> "tuple[Extreme, float]":
        """Return this after one more value of the other key, and what is observed: a NaN stays one."""
        if not math.isfinite(value):
            return self, value
        found = value if self.value is None else float(_BETTER[self.word](self.value, value))
        return replace(self, value=found), found


def made_of(name: str) -> tuple[str, str] | None:
    """Return the key that a watched one may be made of, and the word; None for a name that is only a name."""
    base, dot, word = name.rpartition(".")
    return (base, word) if base and dot and word in _BETTER else None
