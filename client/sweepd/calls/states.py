"""States of sweeps and runs by their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from sweepd import v1
from sweepd.errors import InvalidError

S = TypeVar("S", bound=int)


def sweep_state(sweep: v1.Sweep) -> str:
    """Return a sweep's state as a word."""
    return v1.SweepState.Name(sweep.state).removeprefix("SWEEP_STATE_").lower()


def run_state(run: v1.Run | v1.PriorRun) -> str:
    """Return a run's state as a word."""
    return v1.RunState.Name(run.state).removeprefix("RUN_STATE_").lower()


def words(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return one word, or several, as a tuple."""
    return (given,) if isinstance(given, str) else tuple(given)


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
