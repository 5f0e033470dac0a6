"""Calls about runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls.wire import PAGE, Wire, change_state, entries, new_request_id, states_named
from sweepd.errors import invalid

if TYPE_CHECKING:
    from sweepd.spec.point import Json


async def get(wire: Wire, name: str) -> v1.Run:
    """Return a run by its full name, or by SWEEP:NUMBER with the full name of the sweep."""
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
    keep: Callable[[v1.Run], bool] | None = None,
) -> AsyncGenerator[v1.Run, None]:
    """Yield runs; fetch each page on demand.

    Args:
        wire: connection to the server.
        sweep: list the runs of this sweep, by number.
        project: instead of `sweep`: list the runs of this project, newest first.
        standalone: list only standalone runs of the project.
        states: list only runs in this state or these states.
        best_first: list the best runs first, and omit runs without a value.
        limit: maximum number of runs.
        keep: predicate that selects the runs to list; None: list all.
    """
    if limit is not None and limit <= 0:
        return
    request = v1.ListRunsRequest(
        sweep=sweep,
        project=project,
        standalone=standalone,
        states=states_named(v1.RunState, states),
        order=v1.RUN_ORDER_BEST if best_first else v1.RUN_ORDER_NUMBER,
        page_size=PAGE if limit is None or keep is not None else min(limit, PAGE),
    )
    left = limit
    async with aclosing(entries(wire, request, v1.ListRunsResponse, lambda page: page.runs)) as found:
        async for run in found:
            if keep is not None and not keep(run):
                continue
            yield run
            if left is not None and (left := left - 1) <= 0:
                return


def prior_of(wire: Wire, sweep: str) -> AsyncGenerator[v1.PriorRun, None]:
    """Yield the prior runs of a sweep."""
    request = v1.ListPriorRunsRequest(sweep=sweep, page_size=PAGE)
    return entries(wire, request, v1.ListPriorRunsResponse, lambda page: page.prior_runs)


async def best_of(wire: Wire, sweep: v1.Sweep) -> v1.Run | None:
    """Return the best run of a sweep, or None; with repeats, the first run of the best point."""
    if sweep.spec.repeats > 1:
        return await get(wire, sweep.best_run) if sweep.best_run else None
    found = [run async for run in list_of(wire, sweep.name, best_first=True, limit=1)]
    return found[0] if found else None


async def enqueue(
    wire: Wire, sweep: str, params: Mapping[str, Json], *, first: bool = False, request_id: str = ""
) -> list[v1.Run]:
    """Enqueue the runs of a point; the search method chooses the missing parameters.

    Raises:
        InvalidError: `params` is not a valid point.
    """
    # Imported here, because it imports `spec`, which is slow.
    from sweepd.codec.values import CodecError, point_message

    try:
        point = point_message(dict(params), "")
    except CodecError as error:
        raise invalid(f"invalid point: {error.field.lstrip('.')}: {error.why}") from error
    request = v1.EnqueueRunRequest(
        sweep=sweep, parameters=point, first=first, request_id=request_id or new_request_id()
    )
    return list((await wire.one(request, v1.EnqueueRunResponse)).runs)


async def stop(wire: Wire, name: str) -> v1.Run:
    """Stop a run."""
    return (await change_state(wire, v1.StopRunRequest(name=name), v1.StopRunResponse)).run


async def retry(
    wire: Wire,
    names: Sequence[str] = (),
    *,
    sweep: str = "",
    states: str | Sequence[str] = (),
    request_id: str = "",
) -> v1.RetryRunsResponse:
    """Retry ended runs: those in `names`, or those of `sweep` that are in one of `states`."""
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
