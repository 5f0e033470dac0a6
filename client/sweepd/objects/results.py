"""Results that a server computes of a sweep: the history of its best value, the importance of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sweepd import v1
from sweepd.codec.values import value_from_message
from sweepd.spec.point import Json
from sweepd.views.values import wall_time


@dataclass(frozen=True, slots=True)
class BestSoFar:
    """A run, or with repeats a point, that has a value, and the best value up to then.

    `run` and `number` are those of the run, of a point its first run; `time` is when it ended, None until
    then; `value` is its own value, and `best` the best of all up to this one.
    """

    run: str
    number: int
    time: datetime | None
    value: float
    best: float


def entries(sweep: str, part: v1.ReadSweepProgressResponse) -> Iterator[BestSoFar]:
    """Yield what a part of the answer about a sweep tells, an entry a value."""
    for number, time, value, best in zip(part.runs, part.end_times, part.values, part.bests, strict=True):
        yield BestSoFar(f"{sweep}-{number}", number, wall_time(time), value, best)


@dataclass(frozen=True, slots=True)
class CategoryCorrelation:
    """Correlation of the value with one category: -1 to 1, None where that is not defined."""

    value: Json
    correlation: float | None


@dataclass(frozen=True, slots=True)
class ParameterImportance:
    """Importance of one parameter.

    `name` is its dotted path, with `+` between those of a `zip`; `importance` its share of what all
    parameters explain, 0 to 1; `correlation` that of the value with the parameter on the scale on which it is
    drawn, -1 to 1, None for what has no order; `categories` has one entry for each category that was tried.
    """

    name: str
    importance: float
    correlation: float | None
    categories: tuple[CategoryCorrelation, ...]


@dataclass(frozen=True, slots=True)
class Importance:
    """Importance of each parameter for a metric, the greatest first; an iterable of these.

    `runs` is how many it was worked out from. `explained` is the share of the differences between runs that
    a forest explains for points that it has not seen: 1 all of them; 0 or less none, so that the importances
    mean nothing; None where there are less than eight points, or no differences.
    """

    parameters: tuple[ParameterImportance, ...]
    runs: int
    explained: float | None

    def __iter__(self) -> Iterator[ParameterImportance]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def to_dicts(self) -> list[dict[str, Json]]:
        """Return a dictionary for each parameter: name, importance, correlation."""
        return [
            {"name": each.name, "importance": each.importance, "correlation": each.correlation}
            for each in self.parameters
        ]


def importance_from_message(message: v1.Importance) -> Importance:
    """Return the importance in an answer of the server."""
    return Importance(
        parameters=tuple(_parameter(each) for each in message.parameters),
        runs=message.runs,
        explained=message.explained if message.HasField("explained") else None,
    )


def _parameter(message: v1.ParameterImportance) -> ParameterImportance:
    return ParameterImportance(
        name="+".join(message.names),
        importance=message.importance,
        correlation=message.correlation if message.HasField("correlation") else None,
        categories=tuple(
            CategoryCorrelation(
                value_from_message(each.value), each.correlation if each.HasField("correlation") else None
            )
            for each in message.categories
        ),
    )
