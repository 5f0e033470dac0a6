"""The names that the expressions of a sweep can read, and the types of what they stand for."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sweepd.spec.distributions.discrete import Categorical, Constant, WeightedCategorical
from sweepd.spec.distributions.distribution import Distribution
from sweepd.spec.expressions.syntax import written_name
from sweepd.spec.expressions.tree import ExpressionError
from sweepd.spec.expressions.types import ANY_NUMBER, Type, type_of_values
from sweepd.spec.parameter import Path, dotted
from sweepd.spec.wording import nearest

_MOST_NEIGHBOURS: Final = 1_000
"""Names that are compared with one that is not there: many errors times many names would take long."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Parameters by dotted name; one name may stand for several: `a.b` alone, and `b` in the group `a`."""

    _paths: Mapping[str, tuple[Path, ...]]
    _types: Mapping[Path, Type]
    _groups: frozenset[str]

    @classmethod
    def of(cls, parameters: Iterable[tuple[Path, Distribution]]) -> "Scope":
        """Return the scope of the parameters of a sweep, constants included."""
        paths: dict[str, tuple[Path, ...]] = defaultdict(tuple)
        types: dict[Path, Type] = {}
        groups: set[str] = set()
        for path, distribution in parameters:
            paths[dotted(path)] += (path,)
            types[path] = _type(distribution)
            groups.update(dotted(path[:depth]) for depth in range(1, len(path)))
        return cls(dict(paths), types, frozenset(groups))

    def path(self, name: str, offset: int = 0, hint: str = "") -> Path:
        """Return which parameter a name stands for; `hint` is added where there is none of that name.

        Raises:
            ExpressionError: none, or several.
        """
        found = self._paths.get(name, ())
        if len(found) == 1:
            return found[0]
        if found:
            raise ExpressionError(f"`{_shown(name)}` is the name of {len(found)} parameters", offset)
        if name in self._groups:
            raise ExpressionError(f"`{_shown(name)}` is a group; name one of its parameters", offset)
        message = f"there is no parameter `{_shown(name)}`{hint}"
        raise ExpressionError(message, offset, self._near(name))

    def type(self, path: Path) -> Type:
        """Return what values a parameter can have."""
        return self._types[path]

    def _near(self, name: str) -> str | None:
        # `a-b` reads as a minus b: whoever writes that may mean the parameter of that name.
        # Or it is that of a group, named without the group.
        ends = (f"{name}-", f"{name}/"), (f"-{name}", f"/{name}", f".{name}")
        inner = [
            known
            for known in islice(self._paths, _MOST_NEIGHBOURS)
            if known.startswith(ends[0]) or known.endswith(ends[1])
        ]
        found = nearest(name, self._paths) or next(iter(inner), None)
        return None if found is None else written_name(found)


def _type(distribution: Distribution) -> Type:
    match distribution:
        case Constant(value=value):
            return type_of_values((value,))
        case Categorical(values=values) | WeightedCategorical(values=values):
            return type_of_values(values)
        case _:
            return ANY_NUMBER


def _shown(name: str) -> str:
    text = name if len(name) <= 80 else f"{name[:77]}..."
    return text if text.isprintable() else ascii(text)
