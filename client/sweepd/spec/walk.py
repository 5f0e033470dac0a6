"""Goes through the combinations of a space in order, and skips at once all that the first digits rule out."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from math import prod

from sweepd.spec.parameter import Path
from sweepd.spec.point import Json
from sweepd.spec.rules import Rules
from sweepd.spec.schedule import START, Schedule, State
from sweepd.spec.wheel import Wheel

Values = Mapping[Path, Json]


class Walk:
    """Combinations are numbers whose digits, the last varying fastest, are choices of the dimensions.

    A combination is a point of its own if it is canonical, each dimension without effect at its first choice,
    and satisfies the constraints.
    """

    def __init__(self, wheels: Sequence[Wheel], rules: Rules, constants: Values) -> None:
        self._wheels = wheels
        self._sizes = [len(wheel.choices) for wheel in wheels]
        self._schedule = Schedule(wheels, rules, constants)
        self.combinations = prod(self._sizes)

    def at(self, index: int) -> Values | None:
        """Return the values of a combination, None if it is no point; IndexError beyond the last."""
        if not 0 <= index < self.combinations:
            raise IndexError(index)
        state = self._schedule.start(self._digits(index))
        return state.values if self._settle(state, START, None) is None else None

    def next(self, start: int, limit: int, given: Values | None = None) -> tuple[int, Values | None]:
        """Return the first combination from `start` on that is a point, and its values.

        At most `limit` candidates are looked at: (where to go on, None) if none of them was one. With
        `given`, only points that have those values.
        """
        if start >= self.combinations:
            return self.combinations, None
        allowed = None if given is None else [wheel.agreeing(given) for wheel in self._wheels]
        state = self._schedule.start(self._digits(start))
        place = START
        for _ in range(limit):
            back = self._settle(state, place, allowed)
            if back is None and given is not None:
                back = self._missing(state, given)
            if back is None:
                return self._index(state.digits), state.values
            place = self._advance(state.digits, back)
            if place == START:
                return self.combinations, None
        return self._index(state.digits), None

    def count(self, depth: int, limit: int) -> int | None:
        """Return how many points there are; digits from place `depth` on are read by no rule.

        At most `limit` candidates are looked at: None if that was not enough.
        """
        state = self._schedule.start([0] * len(self._wheels))
        settle, present = self._schedule.settle, self._schedule.present
        place, total = START, 0
        for _ in range(limit):
            steps = (settle(state, at) for at in range(place, depth))
            back = next((back for back in steps if back is not None), None)
            if back is None:
                unread = range(depth, len(self._wheels))
                total += prod(self._wheels[at].count(present(state, at)) for at in unread)
                back = depth - 1
            place = self._advance(state.digits, back)
            if place == START:
                return total
        return None

    def _settle(self, state: State, place: int, allowed: Sequence[Sequence[int] | None] | None) -> int | None:
        settle = self._schedule.settle
        for at in range(place, len(self._sizes)):
            if allowed is not None and at != START and not _moved(state.digits, at, allowed[at]):
                return at - 1
            back = settle(state, at)
            if back is not None:
                return back
        return None

    def _missing(self, state: State, given: Values) -> int | None:
        absent = (path for path in given if path not in state.values)
        return min((self._schedule.settled_at(path) for path in absent), default=None)

    def _advance(self, digits: list[int], place: int) -> int:
        """Go to the next combination that differs up to a place; return where, START if there is none."""
        for later in range(place + 1, len(digits)):
            digits[later] = 0
        while place != START and digits[place] + 1 == self._sizes[place]:
            digits[place] = 0
            place -= 1
        if place != START:
            digits[place] += 1
        return place

    def _digits(self, index: int) -> list[int]:
        digits = []
        for size in reversed(self._sizes):
            index, digit = divmod(index, size)
            digits.append(digit)
        return digits[::-1]

    def _index(self, digits: Sequence[int]) -> int:
        index = 0
        for size, digit in zip(self._sizes, digits, strict=True):
            index = index * size + digit
        return index


def _moved(digits: list[int], at: int, allowed: Sequence[int] | None) -> bool:
    """Move a digit on to the next one that is allowed, later ones to the start; False if there is none."""
    if allowed is None:
        return True
    following = bisect_left(allowed, digits[at])
    if following == len(allowed):
        return False
    if allowed[following] != digits[at]:
        digits[at:] = [allowed[following], *[0] * (len(digits) - at - 1)]
    return True
