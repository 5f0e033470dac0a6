"""Decisions about many runs are made in steps: in between, whoever decides lets others have their say.

What was staged so far is seen then as it is seen while it is being stored. Nothing else is decided meanwhile,
so a decision is still whole: all of it is stored in one commit, or none of it ever was.
"""

from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Steps: TypeAlias = Generator[None, None, T]
"""Ends a step with each `yield`, and the decision by returning."""

RUNS_A_STEP = 100
"""So many take a few milliseconds."""


def whole(steps: Steps[T]) -> T:
    """Take all steps at once and return what the decision is."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            decided: T = end.value
            return decided
