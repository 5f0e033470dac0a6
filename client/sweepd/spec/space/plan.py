"""Machinery of a space, made from its compiled rules, each part at its first use."""

from collections.abc import Sequence
from functools import cached_property

from sweepd.spec.point import Json
from sweepd.spec.space.compile_rules import Compiled
from sweepd.spec.space.dimension import Dimension
from sweepd.spec.space.membership import Membership
from sweepd.spec.space.mixed_radix import Radix
from sweepd.spec.space.rules import Component, components_of
from sweepd.spec.space.sampling import Sampler
from sweepd.spec.space.walk import Walk


class Plan:
    """The machinery of one space. No part changes once it is there."""

    def __init__(self, compiled: Compiled) -> None:
        self._leaves, self._dimensions = compiled.leaves, compiled.dimensions
        self.rules = compiled.rules
        self._split_rules = compiled.rules.split()
        self.constants = compiled.constants
        self.membership = Membership(
            parameters=compiled.parameters,
            dimensions=[dimension for dimension in compiled.dimensions if len(dimension.paths) > 1],
            rules=compiled.rules,
            constants=self.constants,
        )
        self.is_plain = not (self.rules.gates or self.rules.constraints or self.membership.dimensions)
        """Each parameter is there in every point, and takes its values by itself."""

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """The parts of the space that rules hold together."""
        return components_of(self._leaves, self._dimensions, self._split_rules)

    @cached_property
    def sampler(self) -> Sampler:
        """Sampler of the space."""
        return Sampler(self._dimensions, self.components, self.constants)

    @cached_property
    def grid(self) -> tuple[Radix, ...]:
        """The dimensions with the values of a grid; ValueError where one has none."""
        return tuple(
            Radix(dimension, _listed(dimension, dimension.distribution.grid_values))
            for dimension in self._dimensions
        )

    @cached_property
    def support(self) -> tuple[Radix, ...]:
        """The dimensions with the values that can be drawn; ValueError where there is no end to them."""
        return tuple(
            Radix(dimension, _listed(dimension, dimension.distribution.support))
            for dimension in self._dimensions
        )

    @cached_property
    def grid_walk(self) -> Walk:
        """The way through the grid."""
        return Walk(self.grid, self._split_rules, self.constants)

    @cached_property
    def support_walk(self) -> Walk:
        """The way through all that can be drawn."""
        return Walk(self.support, self._split_rules, self.constants)


def _listed(dimension: Dimension, values: Sequence[Json] | None) -> Sequence[Json]:
    if values is None:
        raise ValueError(f"{dimension.name}: the values of {dimension.distribution.name} cannot be listed")
    return values
