"""Enumeration of the combinations of a space in order, with look-ahead pruning and backjumping."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from math import prod

from sweepd.spec.parameter import Path
from sweepd.spec.point import Json
from sweepd.spec.space.mixed_radix import Radix
from sweepd.spec.space.rules import Rules
from sweepd.spec.space.schedule import START, Schedule, State, all_before

Values = Mapping[Path, Json]

_DIGITS_A_CANDIDATE = 8
_PARTS_A_CANDIDATE = 20
"""One candidate for which many digits are settled anew, or many rules looked at, counts as several."""


class Walk:
    """Combinations are numbers whose digits, the last varying fastest, are choices of the dimensions.

    A combination is a point of its own if it is canonical, each dimension without effect at its first choice,
    and satisfies the constraints.
    """

    def __init__(self, radices: Sequence[Radix], rules: Rules, constants: Values) -> None:
        self._radices = radices
        self._sizes = [len(radix.choices) for radix in radices]
        self._schedule = Schedule(radices, rules, constants)
        self.combinations = prod(self._sizes)

    def at(self, index: int) -> Values | None:
        """Return the values of a combination, None if it is no point; IndexError beyond the last."""
        if not 0 <= index < self.combinations:
            raise IndexError(index)
        state = self._schedule.start(self._digits(index))
        return state.values if self._settle(state, START, None) is None else None

    def next(self, start: int, limit: int, given: Values | None = None) -> tuple[int, Values | None]:
        """Return the first combination from `start` on that is a point, and its values.

        At most `limit` candidates are looked at: (place to continue from, None) if none of them was one. With
        `given`, only points that have those values.
        """
        if start >= self.combinations:
            return self.combinations, None
        allowed = None if given is None else [radix.agreeing(given) for radix in self._radices]
        state = self._schedule.start(self._digits(start))
        blame = self._blame_at(state.digits)
        place, left = START, limit
        while left > 0:
            culprits = self._settle(state, place, allowed)
            if culprits is None and given is not None:
                culprits = self._missing(state, given)
            if culprits is None:
                return self._index(state.digits), state.values
            left -= _price(state, culprits.bit_length() - place)
            place = self._advance(state.digits, blame, culprits)
            if place == START:
                return self.combinations, None
        return self._index(state.digits), None

    def count(self, depth: int, limit: int | None = None) -> int | None:
        """Return how many points there are; digits from place `depth` on are read by no rule.

        With `limit`, at most so many candidates are looked at: None if that was not enough.
        """
        state = self._schedule.start([0] * len(self._radices))
        blame = self._blame_at(state.digits)
        settle, present = self._schedule.settle, self._schedule.present
        found_below = [all_before(at) for at in range(depth)]
        place, total, left = START, 0, 1 if limit is None else limit
        while left > 0:
            steps = (settle(state, at) for at in range(place, depth))
            culprits = next((culprits for culprits in steps if culprits is not None), None)
            if culprits is None:
                unread = range(depth, len(self._radices))
                total += prod(self._radices[at].count(present(state, at)) for at in unread)
                culprits = all_before(depth)
                blame[:depth] = found_below
            if limit is not None:
                left -= _price(state, culprits.bit_length() - place)
            place = self._advance(state.digits, blame, culprits)
            if place == START:
                return total
        return None

    def _settle(self, state: State, place: int, allowed: Sequence[Sequence[int] | None] | None) -> int | None:
        """Return None for a point, else the places that are to blame."""
        settle = self._schedule.settle
        for at in range(place, len(self._sizes)):
            if allowed is not None and at != START and not _moved(state.digits, at, allowed[at]):
                state.digits[at] = self._sizes[at] - 1
                return 1 << at
            culprits = settle(state, at)
            if culprits is not None:
                return culprits
        return None

    def _missing(self, state: State, given: Values) -> int | None:
        absent = (path for path in given if path not in state.values)
        settled = min((self._schedule.settled_at(path) for path in absent), default=None)
        return None if settled is None else all_before(settled + 1)

    def _blame_at(self, digits: Sequence[int]) -> list[int]:
        """Return, for each place, which places before it may make its remaining digits right.

        Combinations before these may have been points: then any change before may bring others. Only behind
        the last digit that is not zero nothing was tried yet.
        """
        fresh = next((at + 1 for at in reversed(range(len(digits))) if digits[at]), 0)
        return [all_before(at) if at < fresh else 0 for at in range(len(digits))]

    def _advance(self, digits: list[int], blame: list[int], culprits: int) -> int:
        """Go to the next combination that differs in one of the culprits, the last one if it can.

        A place whose digits are used up passes on all that was to blame for them, so that digits between that
        have nothing to do with it are not tried: conflict-directed backjumping (Prosser 1993).
        Return where the combination differs, START if there is none.
        """
        while culprits:
            place = culprits.bit_length() - 1
            blame[place] |= culprits ^ 1 << place
            if digits[place] + 1 < self._sizes[place]:
                digits[place] += 1
                later = len(digits) - place - 1
                digits[place + 1 :] = blame[place + 1 :] = [0] * later
                return place
            culprits = blame[place]
        return START

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


def _price(state: State, digits: int) -> int:
    """Return as how many candidates one counts that took so many digits and what was looked at."""
    looked, state.looked = state.looked, 0
    return 1 + max(0, digits) // _DIGITS_A_CANDIDATE + looked // _PARTS_A_CANDIDATE


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
