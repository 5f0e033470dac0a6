"""A dimension of the search: one free parameter, or several that are zipped to move together."""

from dataclasses import dataclass
from typing import Literal

from sweepd.spec.distributions.discrete import IntUniform
from sweepd.spec.distributions.distribution import Distribution, Listed, Quantised
from sweepd.spec.parameter import Path, dotted

Kind = Literal["real", "integer", "categorical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """The parameters that one coordinate decides, in the order of their names, and its distribution.

    For zipped parameters that is a choice among rows, each a list with one value per path.
    """

    paths: tuple[Path, ...]
    distribution: Distribution
    conditional: bool = False
    """Whether a `when` may leave one of them out of a point."""

    @property
    def path(self) -> Path:
        """The path of the first parameter."""
        return self.paths[0]

    @property
    def name(self) -> str:
        """The dotted path; of zipped parameters all of them, with `+` between."""
        return "+".join(dotted(path) for path in self.paths)

    @property
    def kind(self) -> Kind:
        """How a search treats it; the values of a categorical one have no order."""
        distribution = self.distribution
        if isinstance(distribution, Listed):
            return "categorical"
        is_integer = isinstance(distribution, IntUniform) or (
            isinstance(distribution, Quantised) and distribution.is_integer
        )
        return "integer" if is_integer else "real"
