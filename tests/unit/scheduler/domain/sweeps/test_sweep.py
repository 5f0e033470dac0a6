"""What a sweep says of itself when a pause and an end come together."""

import pytest

from sweepd_scheduler.domain.events import PauseSweep, ResumeSweep, StopSweep
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.sweeps.sweep import SweepState
from unit.scheduler.world import PARENT, RANDOM, World

S = SweepName(PARENT, "s")
TARGET = {**RANDOM, "metric": {"name": "loss", "target": 0.1}}
CAP = {**TARGET, "run_cap": 1}


@pytest.mark.parametrize(
    ("document", "loss", "reason"),
    [(CAP, 0.5, "run_cap is reached"), (TARGET, 0.05, "a run has reached metric.target")],
)
def test_a_sweep_that_ends_while_paused_says_why_it_has_ended(
    document: dict[str, object], loss: float, reason: str
) -> None:
    world = World()
    world.create(document)
    session = world.attach()
    start = world.takes_one(session)
    world.happens(PauseSweep(S))
    world.logs(session, start.ref, 1, loss)
    assert (world.sweep().state, world.sweep().reason) == (SweepState.PAUSED, "paused by a person")
    assert not world.sweep().paused_by_itself
    world.exits(session, start.ref, last_row=1)
    assert (world.sweep().state, world.sweep().reason) == (SweepState.FINISHED, reason)


def test_a_sweep_that_reached_its_target_while_paused_says_so_when_resumed() -> None:
    world = World()
    world.create(TARGET)
    session = world.attach()
    start = world.takes_one(session)
    world.happens(PauseSweep(S))
    world.logs(session, start.ref, 1, 0.05)
    world.happens(ResumeSweep(S))
    assert (world.sweep().state, world.sweep().reason) == (
        SweepState.RUNNING,
        "a run has reached metric.target",
    )


@pytest.mark.parametrize("begun", [False, True])
def test_a_paused_sweep_that_is_stopped_says_who_stopped_it(begun: bool) -> None:
    world = World()
    world.create(TARGET)
    session = world.attach()
    start = world.takes_one(session) if begun else None
    world.happens(PauseSweep(S))
    world.happens(StopSweep(S))
    if start is not None:
        world.exits(session, start.ref)
    assert (world.sweep().state, world.sweep().reason) == (SweepState.STOPPED, "stopped by a person")
