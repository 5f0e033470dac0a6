"""What is asked of the service of points, files and logs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from sweepd import v1
from sweepd.calls import methods
from sweepd.calls.pages import PAGE, pages
from sweepd.calls.wire import Wire


async def history(
    wire: Wire,
    run: str,
    *,
    keys: Sequence[str] = (),
    max_points: int = 0,
    all_attempts: bool = False,
    system: bool = False,
) -> AsyncGenerator[v1.Series, None]:
    """Yield the series of one run, in parts if it is long; `system`: the samples of its agent."""
    request = v1.GetHistoryRequest(
        runs=[run], keys=keys, max_points=max_points, all_attempts=all_attempts, system=system
    )
    async with aclosing(pages(wire, methods.GET_HISTORY, request)) as found:
        async for page in found:
            for series in page.series:
                yield series


async def summaries(
    wire: Wire, *, sweep: str = "", runs: Sequence[str] = (), keys: Sequence[str] = ()
) -> AsyncGenerator[v1.KeySummary, None]:
    """Yield what is known of each key of each run."""
    request = v1.ListSummariesRequest(sweep=sweep, runs=runs, keys=keys, page_size=PAGE)
    async with aclosing(pages(wire, methods.LIST_SUMMARIES, request)) as found:
        async for page in found:
            for summary in page.summaries:
                yield summary


async def export(wire: Wire, sweep: str) -> AsyncGenerator[v1.Series, None]:
    """Yield every point of a sweep, all attempts included."""
    async with aclosing(wire.stream(methods.EXPORT_POINTS, v1.ExportPointsRequest(sweep=sweep))) as parts:
        async for part in parts:
            for series in part.series:
                yield series


async def files(wire: Wire, run: str) -> AsyncGenerator[v1.RunFile, None]:
    """Yield the files of a run, by name."""
    async with aclosing(pages(wire, methods.LIST_FILES, v1.ListFilesRequest(run=run))) as found:
        async for page in found:
            for file in page.files:
                yield file


async def read_file(wire: Wire, run: str, name: str) -> AsyncGenerator[bytes, None]:
    """Yield the content of a file of a run, piece by piece."""
    async with aclosing(wire.stream(methods.READ_FILE, v1.ReadFileRequest(run=run, name=name))) as parts:
        async for part in parts:
            yield part.content


def read_log(
    wire: Wire,
    run: str,
    *,
    attempt: int = 0,
    offset: int = 0,
    tail_bytes: int = 0,
    follow: bool = False,
    seconds: float | None = None,
) -> AsyncGenerator[v1.ReadLogResponse, None]:
    """Yield the log of an attempt, the newest unless said otherwise."""
    request = v1.ReadLogRequest(run=run, attempt=attempt, offset=offset, tail_bytes=tail_bytes, follow=follow)
    return wire.stream(methods.READ_LOG, request, seconds=seconds)
