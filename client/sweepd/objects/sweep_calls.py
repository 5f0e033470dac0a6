"""What the objects ask of sweeps beyond the plain calls, written once for both clients."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from sweepd import v1
from sweepd.calls import runs, sweeps
from sweepd.calls.edited import edited
from sweepd.calls.states import run_states, sweep_states
from sweepd.calls.wire import Wire
from sweepd.errors import invalid
from sweepd.objects.definition import Definition


async def create(
    wire: Wire,
    definition: Definition,
    *,
    sweep_id: str,
    request_id: str,
    prior_runs: v1.PriorRunSelection | None,
) -> v1.CreateSweepResponse:
    """Create a sweep from a definition that has been read and placed."""
    file = v1.SweepFile(file_name=definition.file_name, content=definition.content)
    return await sweeps.create(
        wire,
        definition.parent,
        definition.message,
        prior_runs=prior_runs,
        source=file if definition.content else None,
        sweep_id=sweep_id,
        request_id=request_id,
    )


async def list_all(
    wire: Wire, *, entity: str | None = None, project: str | None = None, states: str | Sequence[str] = ()
) -> AsyncGenerator[v1.Sweep, None]:
    """Yield sweeps, newest first, a page at a time as they are read."""
    # The server knows no project without its entity: one of any entity is found here.
    parent = f"{entity}/{project}" if entity and project else entity or ""
    async with aclosing(sweeps.list_of(wire, parent, sweep_states(states))) as found:
        async for sweep in found:
            if not project or sweep.name.split("/")[1] == project:
                yield sweep


async def edit(wire: Wire, name: str, changes: Mapping[str, object]) -> v1.Sweep:
    """Give fields of the specification new values; None: the default of the field."""
    if not changes:
        raise invalid("nothing is to be changed: name run_cap, name, description, tags or metadata")
    return await sweeps.update(wire, *edited(name, changes))


async def retry(wire: Wire, name: str, states: str | Sequence[str]) -> int:
    """Hand the runs of a sweep that ended in one of these states out again; return how many."""
    return (await runs.retry(wire, sweep=name, states=run_states(states))).total


async def explain(wire: Wire, name: str) -> list[str]:
    """Return what keeps runs from being handed out, the most important first."""
    return [obstacle.message for obstacle in (await sweeps.explain(wire, name)).obstacles]
