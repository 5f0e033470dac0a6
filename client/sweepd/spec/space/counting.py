"""Number of points of a space: exact where that takes few steps, else estimated by draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from sweepd.spec.parameter import Path
from sweepd.spec.point import Json
from sweepd.spec.space.mixed_radix import Radix
from sweepd.spec.space.rules import Component, Rules
from sweepd.spec.space.sampling import draw
from sweepd.spec.space.walk import Walk

_TRIED = 20_000
"""Candidates that are looked at where there are too many combinations: rules may leave few of them."""

_DRAWS = 10_000
_MOST_STEPS = 400_000
"""Work of an estimate: of very many parameters and long constraints there are fewer draws."""

_LEAST_DRAWS = 200
_FEW_HITS = 5


@dataclass(frozen=True, slots=True)
class Count:
    """Number of points: `value` is None where there is no end to them, or it is not known."""

    value: int | None
    is_estimate: bool = False


def count(
    radices: Sequence[Radix],
    components: Sequence[Component],
    constants: Mapping[Path, Json],
    limit: int,
) -> Count:
    """Return how many points there are: the product over the parts that know nothing of each other."""
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
    """Return how many points one component has.

    Only the dimensions that some rule reads have to be gone through. Each of the others adds its size where
    its gates are open, whatever it is set to.
    """
    reads = component.reads
    read = [radix for radix in radices if not reads.isdisjoint(radix.paths)]
    unread = [radix for radix in radices if reads.isdisjoint(radix.paths)]
    combinations = prod(len(radix.choices) for radix in read)
    walk = Walk([*read, *unread], component.rules, constants)
    found = walk.count(len(read), None if combinations <= limit else min(_TRIED, limit))
    return _estimate([*read, *unread], component.rules, constants) if found is None else Count(found)


def _estimate(radices: Sequence[Radix], rules: Rules, constants: Mapping[Path, Json]) -> Count:
    """Return an unbiased estimate: the mean, over random digits, of the points that those stand for.

    A dimension whose parameters are all inactive counts once whatever its digit, so that spaces with many
    conditions, where hardly any random combination is canonical, are estimated as well as others.
    """
    steps = 2 * len(radices) + sum(constraint.parts for constraint in rules.constraints)
    draws = min(_DRAWS, max(_LEAST_DRAWS, _MOST_STEPS // steps))
    weights = []
    for index in range(draws):
        shares = (draw(0, index, ("count", *radix.paths[0])) for radix in radices)
        digits = [int(share * len(radix.choices)) for share, radix in zip(shares, radices, strict=True)]
        weights.append(_weight(radices, digits, rules, dict(constants)))
    hits, total = sum(weight > 0 for weight in weights), sum(weights)
    if hits > _FEW_HITS and max(weights) * _FEW_HITS > total:
        return Count(None, is_estimate=True)  # a few draws say it all: others would say something else
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
