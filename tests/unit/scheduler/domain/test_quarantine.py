"""Agents that cannot start a run, and sweeps whose remaining agents are all quarantined."""

import pytest

from sweepd_scheduler.domain.agents.agent import GuardRecord, Ineligible, IneligibleReason, QuarantineCause
from sweepd_scheduler.domain.effects import StartRun, SweepEnded
from sweepd_scheduler.domain.events import Announced, Detached
from sweepd_scheduler.domain.requests.requests import PauseSweep, Released, ResumeSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.sweep import Ending, PauseCause
from sweepd_scheduler.domain.transitions import AttemptState, RunState, SweepState
from unit.scheduler.client_requests import release, set_cap
from unit.scheduler.domain.test_guard import FAILS, S, runs, state_of
from unit.scheduler.world import OBJECTIVE, RANDOM, World

MISSING = Exit(cause=ExitCause.START_FAILED, message="program train.py does not exist")


@pytest.fixture
def world() -> World:
    return World()


def test_a_run_that_its_agent_cannot_start_goes_to_another_agent_without_charge(world: World) -> None:
    world.create({**RANDOM, "retry": {"failure": 1, "infrastructure": 1}})
    bad, good = world.attach("bad"), world.attach("good")
    world.exits(bad, world.takes_one(bad).ref, MISSING)
    run = world.run((1, 1))
    assert (run.state, run.requeues, run.failures) == (RunState.PENDING, 0, 0)
    assert (run.newest.state, run.newest.exit) == (AttemptState.ENDED, MISSING)
    assert world.sweep().counts.of(RunState.FAILED) == 0
    expected = GuardRecord(failures=0, quarantine=QuarantineCause.START_FAILED, reason=MISSING.message)
    assert world.state.index[1].guards == {"bad": expected}
    assert world.offer(bad) == []
    command = world.last_sent(Ineligible)
    assert command.reason is IneligibleReason.GUARD
    assert command.message == (
        "no run can be started here: program train.py does not exist; agent bad gets no more runs of "
        "local/demo/s until a person releases it: sweepctl agents release bad"
    )
    (start,) = world.offer(good)
    assert (start.run.number, start.run.attempt) == (1, 2)
    assert state_of(world) == (SweepState.RUNNING, None)
    assert "agent bad gets no more runs, as it cannot start runs: program train.py" in world.sweep().reason


def test_a_run_whose_command_no_agent_can_start_has_failed(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    runs(world, session, Exit(cause=ExitCause.INVALID_COMMAND, message="too long"))
    assert world.run((1, 1)).state is RunState.FAILED
    assert world.run((1, 1)).reason == "its command cannot be run: too long"
    assert world.offer(session) != []


def test_a_canary_that_its_agent_cannot_start_does_not_fail_the_sweep(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "canary": True})
    bad, good = world.attach("bad"), world.attach("good")
    world.exits(bad, world.takes_one(bad).ref, MISSING)
    (start,) = world.offer(good)
    assert (start.run.number, start.run.attempt) == (1, 2)
    assert state_of(world) == (SweepState.RUNNING, None)


@pytest.mark.parametrize("how", [MISSING, FAILS])
def test_a_sweep_whose_agents_are_all_quarantined_pauses_with_that_cause(world: World, how: Exit) -> None:
    world.create({**RANDOM, "guard": {"agent": 1}})
    first, second = world.attach("ann"), world.attach("bob")
    runs(world, first, how)
    assert state_of(world) == (SweepState.RUNNING, None)
    runs(world, second, how)
    assert state_of(world) == (SweepState.PAUSED, PauseCause.ALL_AGENTS_QUARANTINED)
    assert world.sweep().reason.startswith("every attached agent is quarantined: agents ann, bob get no more")
    assert world.sweep().paused_by_itself
    world.restarts()
    assert state_of(world) == (SweepState.PAUSED, PauseCause.ALL_AGENTS_QUARANTINED)
    for name in ("ann", "bob"):
        assert world.offer(world.attach(name)) == []
    assert state_of(world) == (SweepState.PAUSED, PauseCause.ALL_AGENTS_QUARANTINED)


@pytest.mark.parametrize("by", ["release", "another agent", "resume"])
def test_a_sweep_paused_for_want_of_agents_resumes_with_an_eligible_agent(world: World, by: str) -> None:
    world.create({**RANDOM, "guard": {"agent": 1}})
    session = world.attach("ann")
    world.exits(session, world.takes_one(session).ref, MISSING)
    assert world.sweep().paused_by_itself
    world.offer(session)
    before = len(world.sent)
    if by == "release":
        release(world, "ann")
        assert [
            command.run.number for _, command in world.sent[before:] if isinstance(command, StartRun)
        ] == [1]
    elif by == "another agent":
        assert [start.run.number for start in world.offer(world.attach("bob"))] == [1]
    else:
        world.happens(ResumeSweep(S))
    assert state_of(world) == (SweepState.RUNNING, None)
    assert world.offer(session) == []


def test_a_requested_pause_is_not_ended_by_an_eligible_agent(world: World) -> None:
    """P19: only a resume ends it."""
    world.create(RANDOM)
    session = world.attach("ann")
    world.exits(session, world.takes_one(session).ref, MISSING)
    world.happens(PauseSweep(S))
    assert state_of(world) == (SweepState.PAUSED, PauseCause.PERSON)
    release(world, "ann")
    assert world.offer(world.attach("bob")) == []
    assert state_of(world) == (SweepState.PAUSED, PauseCause.PERSON)


def test_another_quarantined_agent_does_not_resume_the_sweep(world: World) -> None:
    world.create(RANDOM)
    first, second = world.attach("ann"), world.attach("bob")
    for session in (first, second):
        world.exits(session, world.takes_one(session).ref, MISSING)
    world.leaves(second)
    world.attach("bob")
    world.attach("cat", "s")
    assert state_of(world) == (SweepState.RUNNING, None)


def test_a_sweep_does_not_pause_while_an_agent_with_a_live_run_is_briefly_unavailable(
    world: World,
) -> None:
    world.create(RANDOM)
    good, bad = world.attach("good"), world.attach("bad")
    world.takes_one(good)
    world.leaves(good)
    world.exits(bad, world.takes_one(bad).ref, MISSING)
    assert state_of(world) == (SweepState.RUNNING, None)
    world.passes(125)
    assert state_of(world) == (SweepState.PAUSED, PauseCause.ALL_AGENTS_QUARANTINED), "its run is lost"


@pytest.mark.parametrize("returns", [True, False])
def test_a_sweep_with_only_quarantined_agents_left_pauses_after_a_while(world: World, returns: bool) -> None:
    world.create(RANDOM)
    good, bad = world.attach("good"), world.attach("bad")
    world.exits(bad, world.takes_one(bad).ref, MISSING)
    world.leaves(good)
    world.passes(60)
    assert state_of(world) == (SweepState.RUNNING, None)
    if returns:
        world.attach("good")
    world.passes(65)
    paused = (SweepState.PAUSED, PauseCause.ALL_AGENTS_QUARANTINED)
    assert state_of(world) == ((SweepState.RUNNING, None) if returns else paused)


def test_a_sweep_pauses_when_its_last_eligible_agent_dies_during_a_reconnect(world: World) -> None:
    """Its new stream replaces the older one, and ends before it names the attempts of the agent."""
    world.create(RANDOM)
    good, bad = world.attach("good"), world.attach("bad")
    world.exits(bad, world.takes_one(bad).ref, MISSING)
    world.happens(Announced("new", "good"))
    world.happens(Detached(good, "good"))
    world.happens(Detached("new", "good"))
    world.passes(125)
    assert state_of(world) == (SweepState.PAUSED, PauseCause.ALL_AGENTS_QUARANTINED)


def test_a_sweep_with_nothing_left_to_hand_out_does_not_pause_for_want_of_agents(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1, "guard": {"agent": 1}})
    session = world.attach()
    runs(world, session, FAILS)
    assert world.sweep().state is SweepState.FINISHED


@pytest.mark.parametrize("by", ["release", "another agent", "resume"])
def test_a_cap_that_was_lowered_meanwhile_ends_the_sweep_when_it_would_continue(
    world: World, by: str
) -> None:
    world.create({**RANDOM, "guard": {"agent": 1}, "run_cap": 5})
    session = world.attach("ann")
    world.exits(session, world.takes_one(session).ref, FAILS)
    set_cap(world, 1)
    assert state_of(world) == (SweepState.PAUSED, PauseCause.ALL_AGENTS_QUARANTINED)
    if by == "release":
        assert release(world, "ann") == Released(sweeps=("local/demo/s",))
    elif by == "another agent":
        session = world.attach("bob")
    else:
        world.happens(ResumeSweep(S))
    assert (world.sweep().state, world.sweep().ending) == (SweepState.FINISHED, Ending.CAP)
    assert world.last_sent(SweepEnded).state is SweepState.FINISHED
    assert world.offer(session) == []
