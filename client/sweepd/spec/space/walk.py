"""Ordered enumeration and counting of the combinations of a space, with pruning and backjumping."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from sweepd.spec.point import Json, Path
from sweepd.spec.space.dimension import Radix
from sweepd.spec.space.rules import Component, Rules
from sweepd.spec.space.sampling import draw
from sweepd.spec.space.schedule import START, Schedule, State, all_before

Values = Mapping[Path, Json]

_DIGITS_PER_CANDIDATE = 8
_PARTS_PER_CANDIDATE = 20
"""Number of rule parts whose look-ahead evaluation costs as much as one candidate."""


class Walk:
    """Enumeration of combinations: numbers whose digits, the last varying fastest, are choices of dimensions.

    A combination is a point if it satisfies the constraints and is canonical: each inactive dimension has its
    first choice.
    """

    def __init__(self, radices: Sequence[Radix], rules: Rules, constants: Values) -> None:
        self._radices = radices
        self._sizes = [len(radix.choices) for radix in radices]
        self._schedule = Schedule(radices, rules, constants)
        self.combinations = prod(self._sizes)

    def at(self, index: int) -> Values | None:
        """Return the values of a combination, None if it is not a point; raise IndexError if out of range."""
        if not 0 <= index < self.combinations:
            raise IndexError(index)
        state = self._schedule.start(self._digits(index))
        return state.values if self._settle(state, START, None) is None else None

    def next(self, start: int, limit: int, given: Values | None = None) -> tuple[int, Values | None]:
        """Return the index and values of the first combination from `start` on that is a point.

        At most `limit` candidates are tried; if none is a point, return (index to continue from, None). With
        `given`, consider only points that have the given values.
        """
        if start >= self.combinations:
            return self.combinations, None
        allowed = None if given is None else [radix.agreeing(given) for radix in self._radices]
        state = self._schedule.start(self._digits(start))
        blame = self._blame_at(state.digits)
        place, left = START, limit
        while left > 0:
            conflicts = self._settle(state, place, allowed)
            if conflicts is None and given is not None:
                conflicts = self._missing(state, given)
            if conflicts is None:
                return self._index(state.digits), state.values
            left -= _cost(state, conflicts.bit_length() - place)
            place = self._advance(state.digits, blame, conflicts)
            if place == START:
                return self.combinations, None
        return self._index(state.digits), None

    def count(self, depth: int, limit: int | None = None) -> int | None:
        """Return the number of points, provided that no rule reads the digits from place `depth` on.

        With `limit`, try at most `limit` candidates, and return None if more are needed.
        """
        state = self._schedule.start([0] * len(self._radices))
        blame = self._blame_at(state.digits)
        settle, present = self._schedule.settle, self._schedule.present
        found_below = [all_before(at) for at in range(depth)]
        unread = range(depth, len(self._radices))
        place, total, left = START, 0, 1 if limit is None else limit
        while left > 0:
            conflicts = None
            for at in range(place, depth):
                conflicts = settle(state, at)
                if conflicts is not None:
                    break
            else:
                total += prod(self._radices[at].count(present(state, at)) for at in unread) if unread else 1
                conflicts = all_before(depth)
                blame[:depth] = found_below
            if limit is not None:
                left -= _cost(state, conflicts.bit_length() - place)
            place = self._advance(state.digits, blame, conflicts)
            if place == START:
                return total
        return None

    def _settle(self, state: State, place: int, allowed: Sequence[Sequence[int] | None] | None) -> int | None:
        """Return None if the digits are a point, else a bit mask of places of which one must change."""
        settle = self._schedule.settle
        for at in range(place, len(self._sizes)):
            if allowed is not None and at != START and not _move_to_allowed(state.digits, at, allowed[at]):
                state.digits[at] = self._sizes[at] - 1
                return 1 << at
            conflicts = settle(state, at)
            if conflicts is not None:
                return conflicts
        return None

    def _missing(self, state: State, given: Values) -> int | None:
        absent = (path for path in given if path not in state.values)
        settled = min((self._schedule.settled_at(path) for path in absent), default=None)
        return None if settled is None else all_before(settled + 1)

    def _blame_at(self, digits: Sequence[int]) -> list[int]:
        """Return, for each place, a bit mask of the earlier places to change once its digits are exhausted.

        Up to the last nonzero digit, lower combinations were not tried, so a change at any earlier place may
        lead to a point. After that digit, no place is blamed yet.
        """
        fresh = next((at + 1 for at in reversed(range(len(digits))) if digits[at]), 0)
        return [all_before(at) if at < fresh else 0 for at in range(len(digits))]

    def _advance(self, digits: list[int], blame: list[int], conflicts: int) -> int:
        """Advance to the next combination that differs in a conflicting place, preferably the last one.

        If that place has no further digit, the places blamed for its digits become the conflicting ones.
        Unrelated places in between are skipped: conflict-directed backjumping (Prosser 1993).
        Return the first place that differs, or START if there is no next combination.
        """
        while conflicts:
            place = conflicts.bit_length() - 1
            blame[place] |= conflicts ^ 1 << place
            if digits[place] + 1 < self._sizes[place]:
                digits[place] += 1
                later = len(digits) - place - 1
                digits[place + 1 :] = blame[place + 1 :] = [0] * later
                return place
            conflicts = blame[place]
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


def _cost(state: State, digits: int) -> int:
    """Return the cost, in candidates, of settling `digits` digits and of look-ahead since the last call."""
    evaluated, state.evaluated = state.evaluated, 0
    return 1 + max(0, digits) // _DIGITS_PER_CANDIDATE + evaluated // _PARTS_PER_CANDIDATE


def _move_to_allowed(digits: list[int], at: int, allowed: Sequence[int] | None) -> bool:
    """Move a digit, if needed, to its next allowed value and reset later ones; False means there is none."""
    if allowed is None:
        return True
    following = bisect_left(allowed, digits[at])
    if following == len(allowed):
        return False
    if allowed[following] != digits[at]:
        digits[at:] = [allowed[following], *[0] * (len(digits) - at - 1)]
    return True


_MAX_TRIED = 20_000
"""Maximum number of candidates tried to count very many combinations, in case few satisfy the rules."""

_DRAWS = 10_000
_MAX_STEPS = 400_000
"""Maximum number of steps of an estimate: with many parameters or long constraints, there are fewer draws."""

_MIN_DRAWS = 200
_FEW_HITS = 5


@dataclass(frozen=True, slots=True)
class Count:
    """Number of points: `value` is None if infinite or unknown."""

    value: int | None
    is_estimate: bool = False


def count(
    radices: Sequence[Radix],
    components: Sequence[Component],
    constants: Mapping[Path, Json],
    limit: int,
) -> Count:
    """Return the number of points, the product over the independent components."""
    ruled = {place for component in components for place in component.dimensions}
    total = prod(len(radix.choices) for place, radix in enumerate(radices) if place not in ruled)
    is_estimate = False
    for component in components:
        found = _count_of([radices[place] for place in component.dimensions], component, constants, limit)
        if found.value is None or found.value == 0:
            return found
        total, is_estimate = total * found.value, is_estimate or found.is_estimate
    return Count(total, is_estimate)


def _count_of(
    radices: Sequence[Radix], component: Component, constants: Mapping[Path, Json], limit: int
) -> Count:
    """Return the number of points of one component.

    Only the dimensions that a rule reads are enumerated. Each other dimension contributes a factor: the
    number of its canonical digits, which is its size if all its gates are open.
    """
    reads = component.reads
    read = [radix for radix in radices if not reads.isdisjoint(radix.paths)]
    unread = [radix for radix in radices if reads.isdisjoint(radix.paths)]
    combinations = prod(len(radix.choices) for radix in read)
    walk = Walk([*read, *unread], component.rules, constants)
    found = walk.count(len(read), None if combinations <= limit else min(_MAX_TRIED, limit))
    return _estimate([*read, *unread], component.rules, constants) if found is None else Count(found)


def _estimate(radices: Sequence[Radix], rules: Rules, constants: Mapping[Path, Json]) -> Count:
    """Return an unbiased estimate of the number of points, if reliable: the mean weight of random draws.

    Combinations count regardless of the digits of inactive dimensions: otherwise, few random combinations of
    a space with many conditions would be canonical, and the estimate would be poor.
    """
    steps = 2 * len(radices) + sum(constraint.parts for constraint in rules.constraints)
    draws = min(_DRAWS, max(_MIN_DRAWS, _MAX_STEPS // steps))
    weights = []
    for index in range(draws):
        shares = (draw(0, index, ("count", *radix.paths[0])) for radix in radices)
        digits = [int(share * len(radix.choices)) for share, radix in zip(shares, radices, strict=True)]
        weights.append(_weight(radices, digits, rules, dict(constants)))
    hits, total = sum(weight > 0 for weight in weights), sum(weights)
    if hits > _FEW_HITS and max(weights) * _FEW_HITS > total:
        return Count(None, is_estimate=True)  # a few draws dominate, so the estimate is unreliable
    return Count(total // draws or None, is_estimate=True)


def _weight(radices: Sequence[Radix], digits: Sequence[int], rules: Rules, values: dict[Path, Json]) -> int:
    for radix, digit in zip(radices, digits, strict=True):
        for member, path in enumerate(radix.paths):
            values[path] = radix.value(digit, member)
    rules.close(values)
    if not rules.hold(values):
        return 0
    weight = 1
    for radix, digit in zip(radices, digits, strict=True):
        present = tuple(path in values for path in radix.paths)
        if any(present):
            weight *= len(radix.choices) * radix.is_canonical(digit, present)
    return weight
