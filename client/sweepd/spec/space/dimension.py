"""Dimensions of the search space, and combinations of their choices as mixed-radix numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sweepd.spec.distributions.discrete import Categorical, IntUniform
from sweepd.spec.distributions.distribution import Distribution, Listed
from sweepd.spec.distributions.quantised import Quantised, Steps
from sweepd.spec.expressions.evaluation import ExpressionError, same
from sweepd.spec.expressions.expression import Scope
from sweepd.spec.point import Json, Path, canonical_json, dotted, is_number

Kind = Literal["real", "integer", "categorical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """Coordinate of the space: its parameters, sorted by path, and its distribution.

    The distribution of zipped parameters is a choice among rows, each a list with one value per path.
    """

    paths: tuple[Path, ...]
    distribution: Distribution
    conditional: bool = False
    """True if a point may lack at least one of the parameters."""

    @property
    def path(self) -> Path:
        """The path of the first parameter."""
        return self.paths[0]

    @property
    def name(self) -> str:
        """The dotted path; for zipped parameters, all dotted paths joined by `+`."""
        return "+".join(dotted(path) for path in self.paths)

    @property
    def size(self) -> int | None:
        """Number of distinct values that can be drawn, or None if infinite."""
        support = self.distribution.support
        return None if support is None else len(support)

    @property
    def kind(self) -> Kind:
        """Kind of the values, for searches; categorical values have no order."""
        distribution = self.distribution
        if isinstance(distribution, Listed):
            return "categorical"
        is_integer = isinstance(distribution, IntUniform) or (
            isinstance(distribution, Quantised) and distribution.is_integer
        )
        return "integer" if is_integer else "real"


def zip_of(names: Sequence[str], scope: Scope, distributions: Mapping[Path, Distribution]) -> Dimension:
    """Return the dimension of the zipped parameters with these names, in order of path.

    Raises:
        ExpressionError: the parameters cannot be zipped.
    """
    if len(names) < 2:
        raise ExpressionError("a zip needs at least two parameters", 0)
    paths = sorted(scope.path(name) for name in names)
    values = {path: _values(path, distributions[path]) for path in paths}
    if len(values) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise ExpressionError(f"`{dotted(twice)}` is in this zip twice", 0)
    if len({len(listed) for listed in values.values()}) > 1:
        lengths = ", ".join(f"`{dotted(path)}` has {len(listed)}" for path, listed in values.items())
        raise ExpressionError(f"zipped parameters need equally many values; {lengths}", 0)
    rows = zip(*values.values(), strict=True)
    return Dimension(paths=tuple(paths), distribution=Categorical(values=tuple(list(row) for row in rows)))


def _values(path: Path, distribution: Distribution) -> Sequence[object]:
    if isinstance(distribution, Categorical):
        return distribution.values
    message = f"`{dotted(path)}` cannot be zipped: a zipped parameter needs `values`, without probabilities"
    raise ExpressionError(message, 0)


class Radix:
    """One digit of a mixed-radix number: the choices of a dimension; each choice of a zip is a row."""

    def __init__(self, dimension: Dimension, choices: Sequence[Json]) -> None:
        self.paths, self.choices = dimension.paths, choices
        self.is_zip = len(dimension.paths) > 1
        self._canonical_digits: dict[tuple[bool, ...], frozenset[int]] = {}

    def value(self, digit: int, member: int) -> Json:
        """Return the value that a digit assigns to one of the paths."""
        choice = self.choices[digit]
        return choice[member] if self.is_zip and isinstance(choice, list) else choice

    def is_canonical(self, digit: int, present: tuple[bool, ...]) -> bool:
        """Return True if no smaller digit assigns the same values to the present paths."""
        if False not in present:
            return True
        return digit in self._canonical(present) if True in present else digit == 0

    def count(self, present: tuple[bool, ...]) -> int:
        """Return the number of canonical digits, given which paths are present."""
        if all(present):
            return len(self.choices)
        return len(self._canonical(present)) if any(present) else 1

    def agreeing(self, given: Mapping[Path, Json]) -> list[int] | None:
        """Return the digits that match the given values, ascending; None if no path has a given value."""
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
        """Return the canonical digits if some paths are absent: the first for each combination of values."""
        if present not in self._canonical_digits:
            firsts: dict[str, int] = {}
            for digit in range(len(self.choices)):
                values = [self.value(digit, member) for member, there in enumerate(present) if there]
                firsts.setdefault(canonical_json(values), digit)
            self._canonical_digits[present] = frozenset(firsts.values())
        return self._canonical_digits[present]

    def _place(self, value: Json) -> int | None:
        if isinstance(self.choices, range | Steps):
            return _place_among_numbers(self.choices, value)
        return self._places.get(canonical_json(value))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {canonical_json(choice): digit for digit, choice in enumerate(self.choices)}


def choices_at(radices: Sequence[Radix], index: int) -> list[Json]:
    """Return the choices of a combination; the last digit varies fastest.

    Raises:
        IndexError: the index is out of range.
    """
    chosen: list[Json] = []
    rest = index
    for radix in reversed(radices):
        rest, digit = divmod(rest, len(radix.choices))
        chosen.append(radix.choices[digit])
    if rest:  # true also for a negative index
        raise IndexError(index)
    return chosen[::-1]


def members_of(radices: Sequence[Radix]) -> dict[Path, tuple[int, int]]:
    """Return, for each parameter, the index of its digit, and its index within a zipped row, else 0."""
    return {
        path: (place, member)
        for place, radix in enumerate(radices)
        for member, path in enumerate(radix.paths)
    }


def _place_among_numbers(choices: range | Steps, value: Json) -> int | None:
    """Return the index of a number among evenly spaced choices, tolerating rounding errors."""
    if not is_number(value):
        return None
    if isinstance(choices, range):
        return choices.index(int(value)) if value == int(value) and int(value) in choices else None
    step = choices.step
    if not choices[0] - step <= value <= choices[-1] + step:
        return None
    digit = min(max(round((value - choices[0]) / step), 0), len(choices) - 1)
    return digit if abs(choices[digit] - value) <= 1e-9 * abs(step) else None
