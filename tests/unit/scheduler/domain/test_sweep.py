"""State and reasons of a sweep in which a pause and an end coincide."""

from dataclasses import replace

import pytest

from sweepd import v1
from sweepd_scheduler.api.sweep_codec import sweep_message
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import PauseSweep, ResumeSweep, StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.sweep import PauseCause, moved
from sweepd_scheduler.domain.transitions import IllegalTransitionError, RunState, SweepState
from unit.scheduler.world import PARENT, RANDOM, World

S = SweepName(PARENT, "s")
TARGET = {**RANDOM, "metric": {"name": "loss", "target": 0.1}}
CAP = {**TARGET, "run_cap": 1}


@pytest.mark.parametrize(
    ("document", "loss", "reason"),
    [(CAP, 0.5, "run_cap is reached"), (TARGET, 0.05, "a run has reached metric.target")],
)
def test_a_sweep_that_ends_while_paused_has_the_reason_of_its_end(
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


def test_a_sweep_that_reached_its_target_while_paused_has_that_reason_when_resumed() -> None:
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
def test_a_paused_sweep_that_is_stopped_has_the_reason_of_the_stop(begun: bool) -> None:
    world = World()
    world.create(TARGET)
    session = world.attach()
    start = world.takes_one(session) if begun else None
    world.happens(PauseSweep(S))
    world.happens(StopSweep(S))
    if start is not None:
        world.exits(session, start.ref)
    assert (world.sweep().state, world.sweep().reason) == (SweepState.STOPPED, "stopped by a person")


@pytest.mark.parametrize("cause", PauseCause)
def test_the_cause_of_a_pause_does_not_depend_on_the_text_of_its_reason(cause: PauseCause) -> None:
    world = World()
    sweep = moved(world.create(TARGET), SweepState.PAUSED, reason="paused by a person", pause_cause=cause)
    for reason in (sweep.reason, "", "other words"):
        reworded = replace(sweep, reason=reason)
        assert reworded.paused_by_itself == (cause is not PauseCause.PERSON)
        assert sweep_message(reworded, 0).pause_cause == v1.PauseCause.Value(f"PAUSE_CAUSE_{cause.name}")


def test_a_sweep_that_is_not_paused_has_no_pause_cause() -> None:
    world = World()
    world.create(TARGET)
    for _ in range(2):
        world.happens(PauseSweep(S))
        assert world.sweep().pause_cause is PauseCause.PERSON
        world.restarts()
        assert world.state.sweeps[1].pause_cause is PauseCause.PERSON
        world.happens(ResumeSweep(S))
        assert world.sweep().pause_cause is None
    assert sweep_message(world.sweep(), 0).pause_cause == v1.PAUSE_CAUSE_UNSPECIFIED


def test_a_requested_pause_does_not_clear_the_failures_of_agents() -> None:
    """Agents are cleared of failures only while the sweep has paused automatically."""
    world = World()
    world.create(RANDOM)
    session = world.attach(slots=2)
    start = world.takes_one(session)
    world.happens(PauseSweep(S))
    world.exits(session, start.ref, Exit(cause=ExitCause.EXITED, code=1))
    assert world.state.index[1].guards["ann"].failures == 1


def test_a_transition_outside_the_table_is_refused() -> None:
    world = World()
    draft = Draft(world.state, world.clock_reading)
    cancelled = moved(world.create(TARGET), SweepState.CANCELLED)
    draft.put_sweep(replace(cancelled, counts=cancelled.counts.moved(None, RunState.RUNNING)))
    with pytest.raises(IllegalTransitionError):
        draft.put_sweep(moved(cancelled, SweepState.RUNNING))
