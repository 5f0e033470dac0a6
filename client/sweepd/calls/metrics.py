"""Calls that read points, summaries and files of runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import TypeVar

from google.protobuf.message import Message

from sweepd import v1
from sweepd.calls.wire import PAGE, Wire, entries
from sweepd.errors import FailedError

P = TypeVar("P", v1.GetHistoryResponse, v1.ListSummariesResponse)
T = TypeVar("T")


def history(
    wire: Wire,
    run: str,
    *,
    keys: Sequence[str] = (),
    max_points: int = 0,
    all_attempts: bool = False,
    system: bool = False,
) -> AsyncGenerator[v1.Series, None]:
    """Yield the series of a run, long series in parts; `system` selects the system metrics of its agent.

    Raises:
        ClientError: some series are damaged (code DATA_LOSS); raised after all others were yielded.
    """
    request = v1.GetHistoryRequest(
        runs=[run],
        keys=keys,
        max_points=max_points,
        all_attempts=all_attempts,
        system=system,
        skip_damaged=True,
    )
    return _undamaged(wire, request, v1.GetHistoryResponse, "points", lambda page: page.series)


def summaries(
    wire: Wire, *, sweep: str = "", runs: Sequence[str] = (), keys: Sequence[str] = (), system: bool = False
) -> AsyncGenerator[v1.KeySummary, None]:
    """Yield the summary of each key of each run; `system` selects the system metrics of its agents.

    Raises:
        ClientError: some summaries are damaged (code DATA_LOSS); raised after all others were yielded.
    """
    request = v1.ListSummariesRequest(
        sweep=sweep, runs=runs, keys=keys, page_size=PAGE, system=system, skip_damaged=True
    )
    return _undamaged(wire, request, v1.ListSummariesResponse, "summary", lambda page: page.summaries)


async def export(wire: Wire, sweep: str) -> AsyncGenerator[v1.Series, None]:
    """Yield the series with all points of a sweep, including those of earlier attempts.

    Raises:
        ClientError: some series are damaged (code DATA_LOSS); raised after all others were yielded.
    """
    async with aclosing(wire.stream(v1.ExportPointsRequest(sweep=sweep), v1.ExportPointsResponse)) as parts:
        async for part in parts:
            for series in part.series:
                yield series


def files(wire: Wire, run: str) -> AsyncGenerator[v1.RunFile, None]:
    """Yield the files of a run, by name."""
    return entries(wire, v1.ListFilesRequest(run=run), v1.ListFilesResponse, lambda page: page.files)


async def read_file(wire: Wire, run: str, name: str) -> AsyncGenerator[bytes, None]:
    """Yield the content of a file of a run, piece by piece."""
    async with aclosing(wire.stream(v1.ReadFileRequest(run=run, name=name), v1.ReadFileResponse)) as parts:
        async for part in parts:
            yield part.content


async def _undamaged(
    wire: Wire, request: Message, response: type[P], what: str, of: Callable[[P], Iterable[T]]
) -> AsyncGenerator[T, None]:
    """Yield the entries that `of` extracts from each page; then raise an error if any entry is damaged."""
    damaged: list[v1.DamagedSeries] = []

    def undamaged(page: P) -> Iterable[T]:
        damaged.extend(page.damaged)
        return of(page)

    async with aclosing(entries(wire, request, response, undamaged)) as found:
        async for entry in found:
            yield entry
    if damaged:
        raise damaged_error(what, damaged)


def damaged_error(what: str, damaged: Sequence[v1.DamagedSeries]) -> FailedError:
    """Return the error for damaged series, naming the first; `what` is `points` or `summary`."""
    first = damaged[0]
    more = len({(each.run, each.attempt, each.key) for each in damaged}) - 1
    named = f"the {what} of {first.key!r}, run {first.run}, attempt {first.attempt} cannot be read"
    return FailedError(
        f"{first.place} is damaged: {named}{f', and {more} more' if more else ''}",
        code="DATA_LOSS",
        reason="data-damaged",
        metadata={"place": first.place, "run": first.run, "key": first.key},
    )
