"""Calls about runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls.wire import PAGE, Wire, change_state, entries, new_request_id, states_named
from sweepd.errors import invalid

if TYPE_CHECKING:
    from sweepd.spec.point import Json


async def get(wire: Wire, name: str) -> v1.Run:
    """Return a run by its full name; SWEEP:NUMBER is one, too, with the full name of the sweep."""
    return (await wire.one(v1.GetRunRequest(name=name), v1.GetRunResponse)).run


async def list_of(
    wire: Wire,
    sweep: str = "",
    *,
    project: str = "",
    standalone: bool = False,
    states: str | Sequence[str] = (),
    best_first: bool = False,
    limit: int | None = None,
) -> AsyncGenerator[v1.Run, None]:
    """Yield runs, a page at a time as they are read.

    Args:
        wire: the server.
        sweep: its runs by number, or the best first and those without a value left out.
        project: instead, the runs of its sweeps and standalone ones, the newest first.
        standalone: of a project only standalone runs.
        states: only runs in one of these, one word or several.
        best_first: see `sweep`.
        limit: so many at most.
    """
    if limit is not None and limit <= 0:
        return
    request = v1.ListRunsRequest(
        sweep=sweep,
        project=project,
        standalone=standalone,
        states=states_named(v1.RunState, states),
        order=v1.RUN_ORDER_BEST if best_first else v1.RUN_ORDER_NUMBER,
        page_size=PAGE if limit is None else min(limit, PAGE),
    )
    left = limit
    async with aclosing(entries(wire, request, v1.ListRunsResponse, lambda page: page.runs)) as found:
        async for run in found:
            yield run
            if left is not None and (left := left - 1) <= 0:
                return


def prior_of(wire: Wire, sweep: str) -> AsyncGenerator[v1.PriorRun, None]:
    """Yield the runs that a sweep began with."""
    request = v1.ListPriorRunsRequest(sweep=sweep, page_size=PAGE)
    return entries(wire, request, v1.ListPriorRunsResponse, lambda page: page.prior_runs)


async def best_of(wire: Wire, sweep: v1.Sweep) -> v1.Run | None:
    """Return the best run of a sweep, with repeats the first of the best point; None if there is none yet."""
    if sweep.spec.repeats > 1:
        return await get(wire, sweep.best_run) if sweep.best_run else None
    found = [run async for run in list_of(wire, sweep.name, best_first=True, limit=1)]
    return found[0] if found else None


async def enqueue(
    wire: Wire, sweep: str, params: Mapping[str, Json], *, first: bool = False, request_id: str = ""
) -> list[v1.Run]:
    """Add the runs of a point; what the point leaves out is completed by the method.

    Raises:
        InvalidError: it is not a point.
    """
    from sweepd.codec import (  # it brings the language of sweeps, which takes a while
        CodecError,
        point_message,
    )

    try:
        point = point_message(dict(params), "")
    except CodecError as error:
        raise invalid(f"not a point: {error.field.lstrip('.')}: {error.why}") from error
    request = v1.EnqueueRunRequest(
        sweep=sweep, parameters=point, first=first, request_id=request_id or new_request_id()
    )
    return list((await wire.one(request, v1.EnqueueRunResponse)).runs)


async def stop(wire: Wire, name: str) -> v1.Run:
    """End one run."""
    return (await change_state(wire, v1.StopRunRequest(name=name), v1.StopRunResponse)).run


async def retry(
    wire: Wire,
    names: Sequence[str] = (),
    *,
    sweep: str = "",
    states: str | Sequence[str] = (),
    request_id: str = "",
) -> v1.RetryRunsResponse:
    """Hand out ended runs again: those named, or those of `sweep` in one of `states`."""
    request = v1.RetryRunsRequest(
        names=names,
        sweep=sweep,
        states=states_named(v1.RunState, states),
        request_id=request_id or new_request_id(),
    )
    return await wire.one(request, v1.RetryRunsResponse)


async def explain(wire: Wire, name: str) -> v1.ExplainRunResponse:
    """Return the explanation of a run."""
    return await wire.one(v1.ExplainRunRequest(name=name), v1.ExplainRunResponse)
