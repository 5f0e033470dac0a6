"""Dimensions of the search: one free parameter each, or several that are zipped to move together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sweepd.spec.distributions.discrete import Categorical, IntUniform
from sweepd.spec.distributions.distribution import Distribution, Listed, Quantised
from sweepd.spec.expressions.scope import Scope
from sweepd.spec.expressions.tree import ExpressionError
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
    """A `when` may leave one of them out of a point."""

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
        """Kind of its values for a search; those of a categorical one have no order."""
        distribution = self.distribution
        if isinstance(distribution, Listed):
            return "categorical"
        is_integer = isinstance(distribution, IntUniform) or (
            isinstance(distribution, Quantised) and distribution.is_integer
        )
        return "integer" if is_integer else "real"


@dataclass(frozen=True, slots=True)
class Zip:
    """The parameters in the order of their paths, and a choice of rows with one value for each."""

    paths: tuple[Path, ...]
    rows: Categorical


def zip_of(names: Sequence[str], scope: Scope, distributions: Mapping[Path, Distribution]) -> Zip:
    """Return the zip of the parameters of some names.

    Raises:
        ExpressionError: they cannot be zipped.
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
    return Zip(tuple(paths), Categorical(values=tuple(list(row) for row in rows)))


def _values(path: Path, distribution: Distribution) -> Sequence[object]:
    if isinstance(distribution, Categorical):
        return distribution.values
    message = f"`{dotted(path)}` has no plain `values`; only such parameters can be zipped"
    raise ExpressionError(message, 0)
