"""The values of what has ended in a sweep, so that its best is known even after one of them starts over."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass

from sweepd.spec import Goal
from sweepd_scheduler.domain.early_termination.judging import cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The run with the best value."""

    run: int
    value: float


class Ranking:
    """Values by run number; among equals the lowest number is the best."""

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        self._values: dict[int, float] = {}
        self._order: list[tuple[float, int]] = []

    def put(self, number: int, value: float | None) -> float | None:
        """Set a value, None to take it out; return what it was."""
        before = self._values.pop(number, None)
        if before is not None:
            del self._order[bisect_left(self._order, (cost(before, self._goal), number))]
        if value is not None:
            self._values[number] = value
            insort(self._order, (cost(value, self._goal), number))
        return before

    def values(self) -> Iterator[tuple[int, float]]:
        """Return every number with its value."""
        return iter(self._values.items())

    @property
    def best(self) -> Best | None:
        """The best of them."""
        if not self._order:
            return None
        number = self._order[0][1]
        return Best(run=number, value=self._values[number])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranking) and self._order == other._order

    __hash__ = None  # type: ignore[assignment]  # it changes
