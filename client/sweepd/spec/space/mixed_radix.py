"""Combinations as mixed-radix numbers: each digit is a choice of one dimension."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from sweepd.spec.distributions.lattice import Steps
from sweepd.spec.expressions.bounded import same
from sweepd.spec.parameter import Path
from sweepd.spec.point import Json, canonical_json, is_number
from sweepd.spec.space.dimension import Dimension


class Radix:
    """Base of one digit: the choices of a dimension, counted from zero; each is a row if it is a zip."""

    def __init__(self, dimension: Dimension, choices: Sequence[Json]) -> None:
        self.paths, self.choices = dimension.paths, choices
        self.is_zip = len(dimension.paths) > 1
        self._firsts: dict[tuple[bool, ...], frozenset[int]] = {}

    def value(self, digit: int, member: int) -> Json:
        """Return what a digit gives to one of the paths."""
        choice = self.choices[digit]
        return choice[member] if self.is_zip and isinstance(choice, list) else choice

    def is_canonical(self, digit: int, present: tuple[bool, ...]) -> bool:
        """Tell whether no smaller digit gives the same to those of the paths that are present."""
        if all(present):
            return True
        return digit in self._canonical(present) if any(present) else digit == 0

    def count(self, present: tuple[bool, ...]) -> int:
        """Return how many digits are canonical."""
        if all(present):
            return len(self.choices)
        return len(self._canonical(present)) if any(present) else 1

    def agreeing(self, given: Mapping[Path, Json]) -> list[int] | None:
        """Return the digits that give what is given, rising; None where nothing is given of the paths."""
        members = [(member, path) for member, path in enumerate(self.paths) if path in given]
        if not members:
            return None
        if not self.is_zip:
            digit = self._place(given[self.paths[0]])
            return [] if digit is None else [digit]
        return [
            digit
            for digit in range(len(self.choices))
            if all(same(self.value(digit, member), given[path]) for member, path in members)
        ]

    def _canonical(self, present: tuple[bool, ...]) -> frozenset[int]:
        """Return the digits that are the first with their values; only some of the paths are present."""
        if present not in self._firsts:
            firsts: dict[str, int] = {}
            for digit in range(len(self.choices)):
                values = [self.value(digit, member) for member, there in enumerate(present) if there]
                firsts.setdefault(canonical_json(values), digit)
            self._firsts[present] = frozenset(firsts.values())
        return self._firsts[present]

    def _place(self, value: Json) -> int | None:
        if isinstance(self.choices, range | Steps):
            return _place_among_numbers(self.choices, value)
        return self._places.get(canonical_json(value))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {canonical_json(choice): digit for digit, choice in enumerate(self.choices)}


def choices_at(radices: Sequence[Radix], index: int) -> list[Json]:
    """Return the choices of one combination, the last digit varying fastest.

    Raises:
        IndexError: there is no such combination.
    """
    chosen: list[Json] = []
    rest = index
    for radix in reversed(radices):
        rest, digit = divmod(rest, len(radix.choices))
        chosen.append(radix.choices[digit])
    if rest:  # also for an index below zero
        raise IndexError(index)
    return chosen[::-1]


def members_of(radices: Sequence[Radix]) -> dict[Path, tuple[int, int]]:
    """Return the place of each parameter's digit, and its place in a row of zipped values."""
    return {
        path: (place, member)
        for place, radix in enumerate(radices)
        for member, path in enumerate(radix.paths)
    }


def _place_among_numbers(choices: range | Steps, value: Json) -> int | None:
    """Return where a number stands, also where it differs in the last digits as arithmetic leaves it."""
    if not is_number(value):
        return None
    if isinstance(choices, range):
        return choices.index(int(value)) if value == int(value) and int(value) in choices else None
    step = choices.step
    if not choices[0] - step <= value <= choices[-1] + step:
        return None
    digit = min(max(round((value - choices[0]) / step), 0), len(choices) - 1)
    return digit if abs(choices[digit] - value) <= 1e-9 * abs(step) else None
