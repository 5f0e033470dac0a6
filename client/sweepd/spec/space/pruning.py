"""Look-ahead pruning: skip combinations whose first digits already break a rule, by interval evaluation."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import prod

from sweepd.spec.distributions.lattice import Steps
from sweepd.spec.expressions.expression import Expression
from sweepd.spec.expressions.intervals import ABSENT, ANYTHING, Between, Interval, Known, Truths
from sweepd.spec.parameter import Path
from sweepd.spec.point import Json, is_number
from sweepd.spec.space.mixed_radix import Radix, members_of
from sweepd.spec.space.rules import Gate, gate_numbers

_WORTH = 64
"""Combinations that a look ahead must be able to save: it costs more than trying one."""


class LookAhead:
    """Evaluation of rules at a place: digits up to it are set, the others may be any."""

    def __init__(
        self, radices: Sequence[Radix], gates: Sequence[Gate], constants: Mapping[Path, Json]
    ) -> None:
        self._radices, self._gates, self._constants = radices, gates, constants
        self._gate_of = gate_numbers(gates)
        self._members = members_of(radices)

    def places(self, reads: Iterable[Path]) -> int:
        """Return the places that decide what these are, and whether they are there, as bits."""
        return sum(1 << place for place in self._read(reads))

    def pruning_places(self, reads: Iterable[Path], before: int) -> list[int]:
        """Return the places before one from which to look whether what reads these can still hold."""
        read = sorted(self._read(reads))
        return [place for place in read if place < before and self._is_worth_it(place, before)]

    def _read(self, reads: Iterable[Path]) -> set[int]:
        paths = {*reads}
        for number in self.gates(paths):
            paths |= self._gates[number].reads
        return {self._members[path][0] for path in paths if path in self._members}

    def gates(self, reads: Iterable[Path]) -> tuple[int, ...]:
        """Return the gates that decide whether these are there, each after those that it depends on."""
        found: set[int] = set()
        ahead = [self._gate_of[path] for path in reads if path in self._gate_of]
        while ahead:
            number = ahead.pop()
            if number not in found:
                found.add(number)
                reads_of_it = self._gates[number].reads
                ahead.extend(self._gate_of[path] for path in reads_of_it if path in self._gate_of)
        return tuple(sorted(found))

    def openings(self, digits: Sequence[int], at: int, gates: Iterable[int]) -> dict[int, Truths]:
        """Return whether each gate can be open, and whether it can be closed."""
        found: dict[int, Truths] = {}
        for number in gates:
            truths = [self.truths(each, digits, at, found) for each in self._gates[number].conditions]
            found[number] = all(can for can, _ in truths), any(can_fail for _, can_fail in truths)
        return found

    def truths(
        self, expression: Expression, digits: Sequence[int], at: int, openings: Mapping[int, Truths]
    ) -> Truths:
        """Return whether an expression can hold, and whether it can fail to."""
        return expression.interval_truth(
            {path: self._interval(path, digits, at, openings) for path in expression.reads}
        )

    def _interval(
        self, path: Path, digits: Sequence[int], at: int, openings: Mapping[int, Truths]
    ) -> Interval:
        gate = self._gate_of.get(path)
        can_open, can_close = (True, False) if gate is None else openings[gate]
        if not can_open:
            return ABSENT
        if path not in self._members:
            return Known(self._constants[path], can_close)
        place, member = self._members[path]
        if place <= at:
            return Known(self._radices[place].value(digits[place], member), can_close)
        ends = self._ends[path]
        return ANYTHING if ends is None else Between(*ends, can_close)

    @cached_property
    def _ends(self) -> Mapping[Path, tuple[int | float, int | float] | None]:
        return {path: _ends(self._radices[place], member) for path, (place, member) in self._members.items()}

    def _is_worth_it(self, place: int, before: int) -> bool:
        return prod(len(radix.choices) for radix in self._radices[place + 1 : before + 1]) >= _WORTH


def _ends(radix: Radix, member: int) -> tuple[int | float, int | float] | None:
    if isinstance(radix.choices, range | Steps):
        return radix.choices[0], radix.choices[-1]
    values = [radix.value(digit, member) for digit in range(len(radix.choices))]
    numbers = [value for value in values if is_number(value)]
    return (min(numbers), max(numbers)) if len(numbers) == len(values) else None
