"""Schedule of a space: the digit after which each parameter has its value and each rule can be evaluated.

Digits are set from left to right, each at its place. If the first two digits break a constraint that reads
only these, all combinations that begin with them are skipped. A rule that reads a late digit is also
evaluated at earlier places, by look-ahead, to skip combinations that must break it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod
from operator import or_

from sweepd.spec.distributions.quantised import Steps
from sweepd.spec.expressions.expression import Expression
from sweepd.spec.expressions.intervals import ABSENT, ANYTHING, Between, Interval, Known, Truths
from sweepd.spec.point import Json, Path, is_number
from sweepd.spec.space.dimension import Radix, members_of
from sweepd.spec.space.rules import Gate, Rules, gate_numbers

_MAX_PARTS = 100_000
"""Limit on the total look-ahead work: with more rules, look-ahead is used at fewer places."""

START = -1
"""Place of the rules and parameters that depend on no digit."""


@dataclass(slots=True)
class State:
    """Digits, and the values and open gates derived from those set so far; later values may be outdated."""

    digits: list[int]
    values: dict[Path, Json]
    open: list[bool]
    evaluated: int = 0
    """Number of rule parts that look-ahead has evaluated since the walk last counted them."""


Step = Callable[[State], int | None]
"""Function that updates or checks a state, and returns None, or places of which one must change.

The places are the bits of an integer. A step may set a digit to its last value, to skip the values between.
"""


def all_before(place: int) -> int:
    """Return a bit mask of all places before `place`."""
    return (1 << place) - 1


class Schedule:
    """Steps at each place, in an order in which each step reads only settled parameters."""

    def __init__(self, radices: Sequence[Radix], rules: Rules, constants: Mapping[Path, Json]) -> None:
        self._radices, self._rules, self._constants = radices, rules, constants
        self._steps: list[list[Step]] = [[] for _ in range(len(radices) + 1)]
        self._gate_of = gate_numbers(rules.gates)
        self._gates_at = [[self._gate_of.get(path) for path in radix.paths] for radix in radices]
        self._gate_places: list[int] = []
        self._settled: dict[Path, int] = {}
        self._members = members_of(radices)
        self._look_ahead = LookAhead(radices, rules.gates, constants)
        self._plan_values()
        for place in range(len(radices)):
            self._plan_canonical(place)
        for constraint in rules.constraints:
            at = self._latest(constraint.reads)
            self._add(at, _to_hold(constraint.holds, self._look_ahead.places(constraint.reads)))
        self._plan_pruning()

    def start(self, digits: list[int]) -> State:
        """Return a state in which nothing is settled yet."""
        always = {path: value for path, value in self._constants.items() if path not in self._gate_of}
        return State(digits, always, [True] * len(self._rules.gates))

    def settle(self, state: State, place: int) -> int | None:
        """Run the steps of a place whose digit is set.

        Return None or, if a step fails, a bit mask of places of which one must change.
        """
        for step in self._steps[place + 1]:
            back = step(state)
            if back is not None:
                return back
        return None

    def settled_at(self, path: Path) -> int:
        """Return the place from which a parameter has its value, or is known to be inactive."""
        return self._settled.get(path, START)

    def present(self, state: State, place: int) -> tuple[bool, ...]:
        """Return whether each parameter of a digit is active."""
        is_open = state.open
        return tuple([gate is None or is_open[gate] for gate in self._gates_at[place]])

    def _plan_values(self) -> None:
        for path, (place, member) in self._members.items():
            if path not in self._gate_of:
                self._settled[path] = place
                self._add(place, _set(path, self._radices[place], place, member))
        for number, gate in enumerate(self._rules.gates):
            at = self._latest(gate.reads)
            self._gate_places.append(at)
            self._add(at, _evaluate_gate(gate, number))
            for path in gate.paths:
                if path in self._members:
                    place, member = self._members[path]
                    self._settled[path] = max(at, place)
                    setting = _set(path, self._radices[place], place, member)
                else:
                    self._settled[path] = at
                    setting = _set_constant(path, self._constants[path])
                self._add(self._settled[path], _set_if_open(path, number, setting))

    def _plan_canonical(self, place: int) -> None:
        radix = self._radices[place]
        gates = [self._gate_of[path] for path in radix.paths if path in self._gate_of]
        if not gates:
            return
        known = max(self._gate_places[gate] for gate in gates)
        last = len(radix.choices) - 1
        conflicts = 1 << place | self._look_ahead.places(radix.paths)

        def canonical(state: State) -> int | None:
            present = self.present(state, place)
            if radix.is_canonical(state.digits[place], present):
                return None
            if known < place and not any(present):
                state.digits[place] = last  # all digits leave it absent, and only digit 0 is canonical
            return conflicts

        self._add(max(place, known), canonical)
        if len(gates) == len(radix.paths):
            self._plan_presence(place, known, gates)

    def _plan_pruning(self) -> None:
        pruned = [
            (each, self._look_ahead.pruning_places(each.reads, self._latest(each.reads)))
            for each in self._rules.constraints
        ]
        whole = sum(len(places) * each.parts for each, places in pruned)
        stride = 1 + whole // _MAX_PARTS
        for constraint, places in pruned:
            for place in places[::stride]:
                self._add(place, self._still_to_hold(constraint, place))

    def _plan_presence(self, place: int, known: int, gates: Sequence[int]) -> None:
        """Add look-ahead steps that check, before the gates of a digit are settled, whether any can open."""
        reads = {path for gate in gates for path in self._rules.gates[gate].reads}
        needed = self._look_ahead.gates(self._radices[place].paths)
        for at in sorted({place, *self._look_ahead.pruning_places(reads, known)}):
            if place <= at < known:
                self._add(at, self._still_to_open(place, at, gates, needed))

    def _still_to_open(self, place: int, at: int, gates: Sequence[int], needed: Sequence[int]) -> Step:
        last = len(self._radices[place].choices) - 1
        conflicts = (1 << place | self._look_ahead.places(self._radices[place].paths)) & all_before(at + 1)
        parts = sum(len(self._rules.gates[gate].reads) for gate in needed)

        def can_still_open(state: State) -> int | None:
            if state.digits[place] == 0:
                return None
            state.evaluated += parts
            openings = self._look_ahead.openings(state.digits, at, needed)
            if any(openings[gate][0] for gate in gates):
                return None
            if at == place:
                state.digits[place] = last  # all digits leave it absent, and only digit 0 is canonical
            return conflicts

        return can_still_open

    def _still_to_hold(self, constraint: Expression, at: int) -> Step:
        needed = self._look_ahead.gates(constraint.reads)
        conflicts = self._look_ahead.places(constraint.reads) & all_before(at + 1)
        parts = constraint.parts + len(needed)

        def can_still_hold(state: State) -> int | None:
            state.evaluated += parts
            openings = self._look_ahead.openings(state.digits, at, needed)
            can_hold, _ = self._look_ahead.truths(constraint, state.digits, at, openings)
            return None if can_hold else conflicts

        return can_still_hold

    def _latest(self, paths: Iterable[Path]) -> int:
        return max((self.settled_at(path) for path in paths), default=START)

    def _add(self, place: int, step: Step) -> None:
        self._steps[place + 1].append(step)


def _set(path: Path, radix: Radix, place: int, member: int) -> Step:
    choices = radix.choices

    def set_choice(state: State) -> None:
        state.values[path] = choices[state.digits[place]]

    def set_member(state: State) -> None:
        state.values[path] = radix.value(state.digits[place], member)

    return set_member if radix.is_zip else set_choice


def _set_constant(path: Path, value: Json) -> Step:
    def set_constant(state: State) -> None:
        state.values[path] = value

    return set_constant


def _set_if_open(path: Path, gate: int, setting: Step) -> Step:
    def set_if_open(state: State) -> None:
        if state.open[gate]:
            setting(state)
        else:
            state.values.pop(path, None)

    return set_if_open


def _evaluate_gate(gate: Gate, number: int) -> Step:
    holds = gate.conditions[0].holds if len(gate.conditions) == 1 else gate.is_open

    def evaluate(state: State) -> None:
        state.open[number] = holds(state.values)

    return evaluate


def _to_hold(holds: Callable[[Mapping[Path, Json]], bool], conflicts: int) -> Step:
    return lambda state: None if holds(state.values) else conflicts


_MIN_SAVING = 64
"""Minimum number of combinations that a look-ahead may skip, since it costs more than trying one."""


class LookAhead:
    """Evaluator of rules at a place: digits up to this place are set, and later ones may have any value."""

    def __init__(
        self, radices: Sequence[Radix], gates: Sequence[Gate], constants: Mapping[Path, Json]
    ) -> None:
        self._radices, self._gates, self._constants = radices, gates, constants
        self._gate_of = gate_numbers(gates)
        self._members = members_of(radices)

    def places(self, reads: Iterable[Path]) -> int:
        """Return a bit mask of the places that decide the values and presence of these parameters."""
        return sum(1 << place for place in self._read(reads))

    def pruning_places(self, reads: Iterable[Path], before: int) -> list[int]:
        """Return the places below `before` at which to look ahead for a rule that reads these parameters."""
        read = sorted(self._read(reads))
        return [place for place in read if place < before and self._is_worth_it(place, before)]

    def _read(self, reads: Iterable[Path]) -> set[int]:
        paths = {*reads}
        for number in self.gates(paths):
            paths |= self._gates[number].reads
        return {self._members[path][0] for path in paths if path in self._members}

    def gates(self, reads: Iterable[Path]) -> tuple[int, ...]:
        """Return the gates that decide whether parameters are present, each after the gates it depends on."""
        found = 0
        for path in reads:
            if path in self._gate_of:
                found |= self._depends_on[self._gate_of[path]]
        return tuple(number for number in range(found.bit_length()) if found >> number & 1)

    @cached_property
    def _depends_on(self) -> Sequence[int]:
        """Bit mask, for each gate, of itself and the gates it depends on, all of which precede it."""
        found: list[int] = []
        for number, gate in enumerate(self._gates):
            before = (found[self._gate_of[path]] for path in gate.reads if path in self._gate_of)
            found.append(reduce(or_, before, 1 << number))
        return found

    def openings(self, digits: Sequence[int], at: int, gates: Iterable[int]) -> dict[int, Truths]:
        """Return, for each gate, whether it can be open and whether it can be closed."""
        found: dict[int, Truths] = {}
        for number in gates:
            truths = [self.truths(each, digits, at, found) for each in self._gates[number].conditions]
            found[number] = all(can for can, _ in truths), any(can_fail for _, can_fail in truths)
        return found

    def truths(
        self, expression: Expression, digits: Sequence[int], at: int, openings: Mapping[int, Truths]
    ) -> Truths:
        """Return whether an expression can hold, and whether it can fail, with the digits up to `at` set."""
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
        return prod(len(radix.choices) for radix in self._radices[place + 1 : before + 1]) >= _MIN_SAVING


def _ends(radix: Radix, member: int) -> tuple[int | float, int | float] | None:
    if isinstance(radix.choices, range | Steps):
        return radix.choices[0], radix.choices[-1]
    values = [radix.value(digit, member) for digit in range(len(radix.choices))]
    numbers = [value for value in values if is_number(value)]
    return (min(numbers), max(numbers)) if len(numbers) == len(values) else None
