"""Short forms of batches to store, and of stored points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sweepd import v1
from sweepd_kernel.sql.database import Engine
from sweepd_metric_store.domain.batch import Batch, Column, Kind, Value, Values
from sweepd_metric_store.ports import (
    AttemptName,
    HistoryQuery,
    LogArrived,
    MetricReads,
    MetricWrites,
    PointsArrived,
    Position,
    Selection,
)

SWEEP = "local/digits/s1"
Point = tuple[str, int, str, int, int, str]
"""Run, attempt, key, row, step and value; the value as text, so that NaN equals itself and 1 is not 1.0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Writer and reader of a store, and a function that opens another writer once the first is closed."""

    engine: Engine
    writes: MetricWrites
    reads: MetricReads
    reopened: Callable[[], MetricWrites]


def an_attempt(run: int = 1, attempt: int = 1, sweep: str = SWEEP) -> AttemptName:
    return AttemptName(sweep=sweep, run=f"{sweep}-{run}", attempt=attempt)


def rows(
    name: AttemptName,
    first: int,
    values: Sequence[Mapping[str, Value]],
    *,
    step: int = 0,
    resumed: int | None = None,
) -> PointsArrived:
    """Return a batch of rows with numbers from `first` on; their steps are their numbers plus `step`."""
    cells: dict[tuple[str, Kind], tuple[list[int], list[Value]]] = {}
    for offset, row in enumerate(values):
        for key, value in row.items():
            offsets, column = cells.setdefault((key, kind_of(value)), ([], []))
            offsets.append(offset)
            column.append(value)
    return PointsArrived(
        name=name,
        batch=Batch(
            first_row=first,
            last_row=first + len(values) - 1,
            steps=[first + at + step for at in range(len(values))],
            times=[1.7e9 + first + at for at in range(len(values))],
            columns=[
                Column(key=key, kind=kind, offsets=offsets, values=typed(column))
                for (key, kind), (offsets, column) in cells.items()
            ],
        ),
        resumed_from_step=resumed,
    )


def typed(values: list[Value]) -> Values:
    return values  # type: ignore[return-value] # grouped by type


def kind_of(value: Value) -> Kind:
    match value:
        case bool():
            return Kind.BOOL
        case int():
            return Kind.INT
        case str():
            return Kind.STRING
        case _:
            return Kind.DOUBLE


def log(name: AttemptName, offset: int, content: bytes) -> LogArrived:
    return LogArrived(name=name, offset=offset, content=content)


def points(series: Iterable[v1.Series]) -> list[Point]:
    """Return all points of `series`, in their order."""
    return [
        (each.run, each.attempt, each.key, row, step, repr(value))
        for each in series
        for chunk in each.chunks
        for row, step, value in zip(chunk.rows, chunk.steps, values_of(chunk), strict=True)
    ]


def values_of(chunk: v1.SeriesChunk) -> Sequence[Value]:
    match chunk.WhichOneof("values"):
        case "ints":
            return chunk.ints.values
        case "bools":
            return chunk.bools.values
        case "strings":
            return chunk.strings.values
        case _:
            return chunk.doubles.values


async def history(
    store: Store,
    selection: Selection,
    *,
    budget: int = 3_000_000,
    max_points: int = 0,
    all_attempts: bool = False,
    by_attempt: bool = False,
    between_pages: Callable[[], object] = lambda: None,
) -> list[v1.Series]:
    """Read all pages of a history."""
    found: list[v1.Series] = []
    rest: Position | None = Position()
    while rest is not None:
        page = await store.reads.history(
            HistoryQuery(
                selection=selection,
                start=rest,
                budget=budget,
                max_points=max_points,
                all_attempts=all_attempts,
                by_attempt=by_attempt,
            )
        )
        assert page.items or page.rest is None
        found.extend(v1.Series.FromString(each) for each in page.items)
        rest = page.rest
        between_pages()
    return found


async def summaries(
    store: Store, selection: Selection, *, page_size: int = 1_000
) -> dict[tuple[str, str], v1.KeySummary]:
    """Read all pages of summaries, by run and key."""
    found: dict[tuple[str, str], v1.KeySummary] = {}
    rest: Position | None = Position()
    while rest is not None:
        page = await store.reads.summaries(selection, rest, page_size)
        assert len(page.items) <= page_size
        for content in page.items:
            summary = v1.KeySummary.FromString(content)
            assert (summary.run, summary.key) not in found
            found[summary.run, summary.key] = summary
        rest = page.rest
    return found
