"""States of sweeps and runs by their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from sweepd import v1
from sweepd.errors import InvalidError
from sweepd.objects.options import words

S = TypeVar("S", bound=int)


def sweep_states(given: str | Sequence[str]) -> list[v1.SweepState.ValueType]:
    """Return states of sweeps by their words, one or several.

    Raises:
        InvalidError: a word is none.
    """
    return _by_word("sweep", given, v1.SweepState.items())


def run_states(given: str | Sequence[str]) -> list[v1.RunState.ValueType]:
    """Return states of runs by their words, one or several.

    Raises:
        InvalidError: a word is none.
    """
    return _by_word("run", given, v1.RunState.items())


def _by_word(kind: str, given: str | Sequence[str], states: Iterable[tuple[str, S]]) -> list[S]:
    prefix = f"{kind.upper()}_STATE_"
    known = {name.removeprefix(prefix).lower(): state for name, state in states if state}
    asked = words(given)
    if unknown := [word for word in asked if word not in known]:
        raise InvalidError(f"no state of a {kind}: {unknown[0]!r}; there are {', '.join(known)}")
    return [known[word] for word in asked]
