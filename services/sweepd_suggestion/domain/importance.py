"""Importance of parameters: the question, complete in itself, and its answer."""

from dataclasses import dataclass

from sweepd.spec.point import Json, Point
from sweepd.spec.space.search_space import SearchSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportanceQuestion:
    """Points of a space, and the finite value of each."""

    space: SearchSpace
    points: tuple[Point, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCorrelation:
    """Correlation of the value with having one category, -1 to 1; None where that is not defined."""

    value: Json
    correlation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterImportance:
    """Importance of one parameter, or of several that vary together.

    Args:
        names: dotted paths.
        importance: its share of what all parameters explain, 0 to 1.
        correlation: of the value with the parameter on the scale on which it is drawn, -1 to 1.
        categories: those that some point has, in the order of the sweep file.
    """

    names: tuple[str, ...]
    importance: float
    correlation: float | None
    categories: tuple[CategoryCorrelation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """The answer, the most important parameter first.

    Args:
        runs: how many points it was worked out from.
        explained: the share of the differences between points that a forest explains for points that it has
            not seen: 1 all of them, 0 or less none. None where there are too few of them, or they are equal.
    """

    parameters: tuple[ParameterImportance, ...]
    runs: int
    explained: float | None
