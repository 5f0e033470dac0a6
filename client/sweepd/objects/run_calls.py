"""What the objects ask of runs beyond the plain calls, written once for both clients."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from sweepd import v1
from sweepd.calls import runs, sweeps
from sweepd.calls.states import run_states
from sweepd.calls.wire import Wire
from sweepd.spec.point import Json
from sweepd.views.rows import Choice
from sweepd.views.run import prior_run_shape, run_shape


async def list_of(
    wire: Wire,
    sweep: str = "",
    *,
    project: str = "",
    stand_alone: bool = False,
    states: str | Sequence[str] = (),
    best_first: bool = False,
    filters: Sequence[str] = (),
    limit: int | None = None,
) -> AsyncGenerator[v1.Run, None]:
    """Yield the runs of a sweep, or of a project, a page at a time as they are read."""
    choice = Choice(filters=filters)
    choice.of([{}])  # what is no filter is told before anything is asked for
    listed = runs.list_of(
        wire,
        sweep,
        project=project,
        stand_alone=stand_alone,
        states=run_states(states),
        best_first=best_first,
        limit=None if filters else limit,
    )
    left = limit
    if left is not None and left <= 0:
        return
    async with aclosing(listed) as found:
        async for run in found:
            if filters and not choice.of([run_shape(run)]):
                continue
            yield run
            if left is not None and (left := left - 1) <= 0:
                return


async def prior_of(wire: Wire, sweep: str) -> list[dict[str, Json]]:
    """Return the runs that a sweep began with, in the JSON of `sweepctl runs --prior`."""
    return [prior_run_shape(run) async for run in runs.prior_of(wire, sweep)]


async def stop(wire: Wire, name: str) -> v1.Run:
    """End a run; return how it stands then."""
    await runs.stop(wire, name)
    return await runs.get(wire, name)


async def retry(wire: Wire, name: str) -> v1.Run:
    """Hand an ended run out again; return how it stands then."""
    await runs.retry(wire, [name])
    return await runs.get(wire, name)


async def explain(wire: Wire, name: str) -> list[str]:
    """Return why a run waits, the most important first."""
    return [obstacle.message for obstacle in (await runs.explain(wire, name)).obstacles]


async def best(wire: Wire, name: str) -> v1.Run | None:
    """Return the best run of a sweep, with repeats the first of the best point; None if there is none yet."""
    return await runs.best_of(wire, await sweeps.get(wire, name))
