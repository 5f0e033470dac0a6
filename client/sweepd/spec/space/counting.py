"""How many points there are: exactly where that takes few steps, else estimated by draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from sweepd.spec.parameter import Path
from sweepd.spec.point import Json
from sweepd.spec.space.components import Component
from sweepd.spec.space.draw import draw
from sweepd.spec.space.rules import Rules
from sweepd.spec.space.walk import Walk
from sweepd.spec.space.wheel import Wheel

_TRIED = 20_000
"""Candidates that are looked at where there are too many combinations: rules may leave few of them."""

_DRAWS = 10_000
_MOST_STEPS = 400_000
"""How much an estimate takes: of very many parameters and long constraints there are fewer draws."""

_LEAST_DRAWS = 200
_FEW_HITS = 5


@dataclass(frozen=True, slots=True)
class Count:
    """How many points there are: `value` is None where there is no end to them, or nobody can tell."""

    value: int | None
    is_estimate: bool = False


def count(
    wheels: Sequence[Wheel],
    components: Sequence[Component],
    constants: Mapping[Path, Json],
    limit: int,
) -> Count:
    """Return how many points there are: the product over the parts that know nothing of each other."""
    ruled = {place for component in components for place in component.dimensions}
    total = prod(len(wheel.choices) for place, wheel in enumerate(wheels) if place not in ruled)
    is_estimate = False
    for component in components:
        found = _count_of([wheels[place] for place in component.dimensions], component, constants, limit)
        if found.value is None or found.value == 0:
            return found
        total, is_estimate = total * found.value, is_estimate or found.is_estimate
    return Count(total, is_estimate)


def _count_of(
    wheels: Sequence[Wheel], component: Component, constants: Mapping[Path, Json], limit: int
) -> Count:
    """Return how many points one component has.

    Only the dimensions that some rule reads have to be gone through. Each of the others adds its size where
    its gates are open, whatever it is set to.
    """
    reads = component.reads
    read = [wheel for wheel in wheels if not reads.isdisjoint(wheel.paths)]
    unread = [wheel for wheel in wheels if reads.isdisjoint(wheel.paths)]
    combinations = prod(len(wheel.choices) for wheel in read)
    walk = Walk([*read, *unread], component.rules, constants)
    found = walk.count(len(read), None if combinations <= limit else min(_TRIED, limit))
    return _estimate([*read, *unread], component.rules, constants) if found is None else Count(found)


def _estimate(wheels: Sequence[Wheel], rules: Rules, constants: Mapping[Path, Json]) -> Count:
    """Return an unbiased estimate: the mean, over random digits, of the points that those stand for.

    A dimension whose parameters are all inactive counts once whatever its digit, so that spaces with many
    conditions, where hardly any random combination is canonical, are estimated as well as others.
    """
    steps = 2 * len(wheels) + sum(constraint.parts for constraint in rules.constraints)
    draws = min(_DRAWS, max(_LEAST_DRAWS, _MOST_STEPS // steps))
    weights = []
    for index in range(draws):
        shares = (draw(0, index, ("count", *wheel.paths[0])) for wheel in wheels)
        digits = [int(share * len(wheel.choices)) for share, wheel in zip(shares, wheels, strict=True)]
        weights.append(_weight(wheels, digits, rules, dict(constants)))
    hits, total = sum(weight > 0 for weight in weights), sum(weights)
    if hits > _FEW_HITS and max(weights) * _FEW_HITS > total:
        return Count(None, is_estimate=True)  # a few draws say it all: others would say something else
    return Count(total // draws or None, is_estimate=True)


def _weight(wheels: Sequence[Wheel], digits: Sequence[int], rules: Rules, values: dict[Path, Json]) -> int:
    for wheel, digit in zip(wheels, digits, strict=True):
        for member, path in enumerate(wheel.paths):
            values[path] = wheel.value(digit, member)
    rules.close(values)
    if not rules.hold(values):
        return 0
    weight = 1
    for wheel, digit in zip(wheels, digits, strict=True):
        present = tuple(path in values for path in wheel.paths)
        if any(present):
            weight *= len(wheel.choices) * wheel.is_canonical(digit, present)
    return weight
