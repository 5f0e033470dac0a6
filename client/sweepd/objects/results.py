"""Results of sweeps and runs: histories, the best value so far, the importance of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.codec.values import value_from_message
from sweepd.objects import frames
from sweepd.objects.frames import Column, Row, column
from sweepd.spec.point import Json
from sweepd.views.values import Value, chunk_values, wall_time

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

_Place = tuple[int, int]
"""Position of a row: its attempt, and its number within the attempt."""


class History(Mapping[str, list[Value]]):
    """History of a run: a row for each step, a column for each key.

    Consecutive calls of `log` for one step are merged into one row, with the newest value of each key.
    `history["loss"]` is the column of a key, with None in rows without it; `len(history)` is the number of
    keys. `steps`, `times` (UTC), `attempts` and `rows` are columns of the same length.
    """

    def __init__(self, run: str, series: Iterable[v1.Series], *, by_step: bool = True) -> None:
        places: dict[_Place, tuple[int, float]] = {}
        found: dict[str, dict[_Place, Value]] = {}
        for part in series:
            values = found.setdefault(part.key, {})
            for chunk in part.chunks:
                columns_of_chunk = zip(chunk.rows, chunk.steps, chunk.times, chunk_values(chunk), strict=True)
                for row, step, time, value in columns_of_chunk:
                    places[part.attempt, row] = (step, time)
                    values[part.attempt, row] = value
        groups = _by_step(places) if by_step else [[place] for place in sorted(places)]
        order = [group[-1] for group in groups]
        self.run = run
        """Full name of the run."""
        self.steps: list[int] = [places[place][0] for place in order]
        """Step of each row."""
        self.times: list[datetime | None] = [wall_time(places[place][1]) for place in order]
        """Time at which the newest value of each row was logged, in UTC."""
        self.attempts: list[int] = [attempt for attempt, _ in order]
        """Attempt that logged each row."""
        self.rows: list[int] = [row for _, row in order]
        """Number of each row within its attempt, from 1; for merged rows, the number of the last."""
        self._values = {key: [_newest(found[key], group) for group in groups] for key in sorted(found)}

    def __getitem__(self, key: str) -> list[Value]:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<History of {self.run}: {len(self.rows)} rows of {', '.join(self._values) or 'nothing'}>"

    def points(self, key: str) -> tuple[list[int], list[Value]]:
        """Return the steps and values of a key, without the rows in which the key has no value."""
        kept = [(step, value) for step, value in zip(self.steps, self[key], strict=True) if value is not None]
        return [step for step, _ in kept], [value for _, value in kept]

    def to_dicts(self) -> list[Row]:
        """Return the rows of `sweepctl history` as dictionaries; the item `values` is a dictionary by key."""
        keys = list(self._values)
        return [
            {
                "run": self.run,
                "attempt": self.attempts[index],
                "row": self.rows[index],
                "step": self.steps[index],
                "time": self.times[index],
                "values": {key: value for key in keys if (value := self._values[key][index]) is not None},
            }
            for index in range(len(self.rows))
        ]

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas frame of `step`, `time`, `attempt`, `row`, and `values.KEY` for each key."""
        return frames.to_pandas(self._columns())

    def to_polars(self) -> pl.DataFrame:
        """Return the rows as a polars frame."""
        return frames.to_polars(self._columns())

    def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table."""
        return frames.to_arrow(self._columns())

    def _columns(self) -> list[Column]:
        return [
            column("step", [*self.steps], "int"),
            column("time", [*self.times], "time"),
            column("attempt", [*self.attempts], "int"),
            column("row", [*self.rows], "int"),
            *(column(f"values.{key}", [*values]) for key, values in self._values.items()),
        ]


def _by_step(places: Mapping[_Place, tuple[int, float]]) -> list[list[_Place]]:
    """Return the rows in order, with consecutive rows of the same attempt and step grouped."""
    groups: list[list[_Place]] = []
    last: tuple[int, int] | None = None
    for place in sorted(places):
        here = (place[0], places[place][0])
        if here == last:
            groups[-1].append(place)
        else:
            groups.append([place])
        last = here
    return groups


def _newest(values: Mapping[_Place, Value], group: list[_Place]) -> Value:
    return next((values[place] for place in reversed(group) if place in values), None)


@dataclass(frozen=True, slots=True)
class BestSoFar:
    """Value of a run (with repeats, of a point) and the best value so far.

    `run` and `number` are the name and number of the run, or of the first run of the point. `time` is the end
    time of the run, or of the last run of the point; None while a run is live. `value` is the value of the
    run or point, and `best` is the best value up to and including this one.
    """

    run: str
    number: int
    time: datetime | None
    value: float
    best: float


def entries(sweep: str, part: v1.ReadSweepProgressResponse) -> Iterator[BestSoFar]:
    """Yield the values in one message of a response about the progress of a sweep."""
    for number, time, value, best in zip(part.runs, part.end_times, part.values, part.bests, strict=True):
        yield BestSoFar(f"{sweep}-{number}", number, wall_time(time), value, best)


@dataclass(frozen=True, slots=True)
class CategoryCorrelation:
    """Correlation of the metric with one category, from -1 to 1; None if undefined."""

    value: Json
    correlation: float | None


@dataclass(frozen=True, slots=True)
class ParameterImportance:
    """Importance of one parameter.

    `name` is the dotted path of the parameter; paths of zipped parameters are joined by `+`. `importance` is
    its share, from 0 to 1, of the variance that all parameters explain. `correlation` is the correlation of
    the metric with the parameter, on the scale of its distribution, from -1 to 1; None for unordered values.
    `categories` has an entry for each category that was tried.
    """

    name: str
    importance: float
    correlation: float | None
    categories: tuple[CategoryCorrelation, ...]


@dataclass(frozen=True, slots=True)
class Importance:
    """Importance of each parameter for a metric, the greatest first; iterable.

    `runs` is the number of runs that were used. `explained` is the share of the variance between runs that a
    random forest predicts for points outside its training data, at most 1; at 0 or less, the importances are
    meaningless. `explained` is None with fewer than eight points, or if the values do not vary.
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
    """Convert the importance from a message of the server."""
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
