"""The queue of runs that wait to be handed out: by place, among equals by number."""

from bisect import bisect_left, insort
from collections.abc import Iterator


class Waiting:
    """Numbers of runs, the next one first."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._order: list[tuple[int, int]] = []

    def put(self, number: int, place: int | None) -> int | None:
        """Set where a run waits, None to take it out; return where it was."""
        before = self._places.pop(number, None)
        if before is not None:
            del self._order[bisect_left(self._order, (before, number))]
        if place is not None:
            self._places[number] = place
            insort(self._order, (place, number))
        return before

    @property
    def first(self) -> int | None:
        """The run that goes out next."""
        return self._order[0][1] if self._order else None

    def front(self, count: int) -> list[int]:
        """Return the runs that go out next, at most so many."""
        return [number for _, number in self._order[:count]]

    @property
    def lowest_place(self) -> int:
        """The place of that run; 0 while none waits."""
        return self._order[0][0] if self._order else 0

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, number: object) -> bool:
        return number in self._places

    def __iter__(self) -> Iterator[int]:
        return iter([number for _, number in self._order])
