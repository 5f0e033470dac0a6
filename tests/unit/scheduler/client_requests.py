"""Requests of clients other than the life cycle of a sweep, with the reads that servicers do for them."""

from collections.abc import Mapping

from sweepd.spec.point import Json
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.requests.requests import (
    Answer,
    Edit,
    EndRun,
    EnqueueRun,
    ReleaseAgent,
    RetryRuns,
    UpdateSweep,
)
from sweepd_scheduler.domain.transitions import RunState
from unit.scheduler.world import PARENT, World

S = SweepName(PARENT, "s")
RETRIED = (RunState.FAILED, RunState.CRASHED, RunState.STOPPED, RunState.KILLED)


def retry(world: World, *numbers: int) -> Answer | None:
    """Retry ended runs; without numbers, all that may be retried."""
    records = world.everything()
    runs = tuple(records.chosen_runs(world.sweep(), () if numbers else RETRIED, numbers))
    blocks = {run.block for run in runs}
    every = records.chosen_runs(world.sweep(), (), ())
    siblings = tuple(run for run in every if run.block in blocks and run not in runs)
    return world.happens(
        RetryRuns(sweep=S, runs=runs, siblings=siblings, named=bool(numbers), stored=records.stored(S))
    )


def enqueue(world: World, point: Mapping[str, Json], *, first: bool = False) -> Answer | None:
    """Enqueue a point."""
    stored = world.everything().stored(S)
    return world.happens(EnqueueRun(sweep=S, point=dict(point), first=first, stored=stored))


def end_run(world: World, number: int) -> Answer | None:
    """Stop one run."""
    name = RunName(S, number)
    return world.happens(EndRun(name=name, looked_up=True, found=world.everything().run(name)))


def release(world: World, agent: str) -> Answer | None:
    """Release a quarantined agent."""
    return world.happens(ReleaseAgent(agent=agent, sweep=S))


def set_cap(world: World, run_cap: int | None) -> Answer | None:
    """Set the run cap; None: no cap."""
    edit = Edit(fields=frozenset({"run_cap"}), run_cap=run_cap)
    records, sweep = world.everything(), world.sweep()
    numbers = range(max(1, sweep.counts.total - sweep.spec.repeats + 1), sweep.counts.total + 1)
    last = tuple(records.chosen_runs(sweep, (), numbers)) if numbers else ()
    return world.happens(UpdateSweep(name=S, edit=edit, last=last, stored=records.stored(S)))
