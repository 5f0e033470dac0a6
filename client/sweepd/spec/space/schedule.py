"""When, as the digits of a combination are set one by one, parameters get values and rules can be judged.

The first digits decide much about all combinations that begin with them: a constraint that reads the first
two parameters only, and is broken, is broken whatever the others are. Where a rule is settled late, it is
asked on the way whether it can still hold.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sweepd.spec.expressions.expression import Expression
from sweepd.spec.parameter import Path
from sweepd.spec.point import Json
from sweepd.spec.space.mixed_radix import Radix, members_of
from sweepd.spec.space.pruning import LookAhead
from sweepd.spec.space.rules import Gate, Rules, gate_numbers

_MOST_PARTS = 100_000
"""Work of look-ahead on the way through all digits: more rules are looked at from fewer places."""

START = -1
"""The place of what is settled before any digit is."""


@dataclass(slots=True)
class State:
    """Digits, and what those set so far make of the parameters. Later ones may be left over from before."""

    digits: list[int]
    values: dict[Path, Json]
    open: list[bool]
    looked: int = 0
    """Parts of rules that look-ahead has evaluated."""


Step = Callable[[State], int | None]
"""Settles something: None if the state may stand, else the places of which one must get another digit.

They are the bits of an integer. A step may set a digit to its last where none of its other ones is right.
"""


def all_before(place: int) -> int:
    """Return all places before one."""
    return (1 << place) - 1


class Schedule:
    """Steps at each place, in an order in which everything that is read is settled."""

    def __init__(self, radices: Sequence[Radix], rules: Rules, constants: Mapping[Path, Json]) -> None:
        self._radices, self._rules, self._constants = radices, rules, constants
        self._steps: list[list[Step]] = [[] for _ in range(len(radices) + 1)]
        self._gate_of = gate_numbers(rules.gates)
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
        """Do what is to be done once the digit at a place is set; return what the first step says."""
        for step in self._steps[place + 1]:
            back = step(state)
            if back is not None:
                return back
        return None

    def settled_at(self, path: Path) -> int:
        """Return the place at which a parameter has its value, or is known to be inactive."""
        return self._settled.get(path, START)

    def present(self, state: State, place: int) -> tuple[bool, ...]:
        """Return which of the parameters of a digit there are."""
        gates = (self._gate_of.get(path) for path in self._radices[place].paths)
        return tuple(gate is None or state.open[gate] for gate in gates)

    def _plan_values(self) -> None:
        for path, (place, member) in self._members.items():
            if path not in self._gate_of:
                self._settled[path] = place
                self._add(place, _set(path, self._radices[place], place, member))
        for number, gate in enumerate(self._rules.gates):
            at = self._latest(gate.reads)
            self._gate_places.append(at)
            self._add(at, _judged(gate, number))
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
        culprits = 1 << place | self._look_ahead.places(radix.paths)

        def canonical(state: State) -> int | None:
            present = self.present(state, place)
            if radix.is_canonical(state.digits[place], present):
                return None
            if known < place and not any(present):
                state.digits[place] = last  # the first digit was tried already, and all others are alike
            return culprits

        self._add(max(place, known), canonical)
        if len(gates) == len(radix.paths):
            self._plan_presence(place, known, gates)

    def _plan_pruning(self) -> None:
        pruned = [
            (each, self._look_ahead.pruning_places(each.reads, self._latest(each.reads)))
            for each in self._rules.constraints
        ]
        whole = sum(len(places) * each.parts for each, places in pruned)
        stride = 1 + whole // _MOST_PARTS
        for constraint, places in pruned:
            for place in places[::stride]:
                self._add(place, self._still_to_hold(constraint, place))

    def _plan_presence(self, place: int, known: int, gates: Sequence[int]) -> None:
        """Look ahead, where gates are known late, whether those of a digit that is set can still open."""
        reads = {path for gate in gates for path in self._rules.gates[gate].reads}
        needed = self._look_ahead.gates(self._radices[place].paths)
        for at in sorted({place, *self._look_ahead.pruning_places(reads, known)}):
            if place <= at < known:
                self._add(at, self._still_to_open(place, at, gates, needed))

    def _still_to_open(self, place: int, at: int, gates: Sequence[int], needed: Sequence[int]) -> Step:
        last = len(self._radices[place].choices) - 1
        culprits = (1 << place | self._look_ahead.places(self._radices[place].paths)) & all_before(at + 1)
        parts = sum(len(self._rules.gates[gate].reads) for gate in needed)

        def can_still_open(state: State) -> int | None:
            if state.digits[place] == 0:
                return None
            state.looked += parts
            openings = self._look_ahead.openings(state.digits, at, needed)
            if any(openings[gate][0] for gate in gates):
                return None
            if at == place:
                state.digits[place] = last  # it has no say in whether it is there itself
            return culprits

        return can_still_open

    def _still_to_hold(self, constraint: Expression, at: int) -> Step:
        needed = self._look_ahead.gates(constraint.reads)
        culprits = self._look_ahead.places(constraint.reads) & all_before(at + 1)
        parts = constraint.parts + len(needed)

        def can_still_hold(state: State) -> int | None:
            state.looked += parts
            openings = self._look_ahead.openings(state.digits, at, needed)
            can_hold, _ = self._look_ahead.truths(constraint, state.digits, at, openings)
            return None if can_hold else culprits

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


def _judged(gate: Gate, number: int) -> Step:
    def judge(state: State) -> None:
        state.open[number] = gate.is_open(state.values)

    return judge


def _to_hold(holds: Callable[[Mapping[Path, Json]], bool], culprits: int) -> Step:
    return lambda state: None if holds(state.values) else culprits
