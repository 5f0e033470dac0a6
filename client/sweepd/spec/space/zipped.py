"""Zips: parameters whose listed values move together, checked and made into one choice of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sweepd.spec.distributions.discrete import Categorical
from sweepd.spec.distributions.distribution import Distribution
from sweepd.spec.expressions.error import ExpressionError
from sweepd.spec.expressions.scope import Scope
from sweepd.spec.parameter import Path, dotted


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
