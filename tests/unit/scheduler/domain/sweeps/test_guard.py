"""What keeps a sweep from wasting runs: agents that are held (P11), and pauses by itself."""

import pytest

from sweepd_scheduler.domain.agents.agent import Guarded
from sweepd_scheduler.domain.agents.welcome import Withheld, WithheldReason
from sweepd_scheduler.domain.decision import GuardChanged, Happened
from sweepd_scheduler.domain.events import PauseSweep, ResumeSweep
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.sweeps.guard import held_sentence
from sweepd_scheduler.domain.sweeps.sweep import SweepState
from unit.scheduler.world import EXIT_0, PARENT, RANDOM, World

S = SweepName(PARENT, "s")
FAILS = Exit(cause=ExitCause.EXITED, code=3)
COMMANDED = Exit(cause=ExitCause.COMMANDED, signal=15)
LOST = Exit(cause=ExitCause.ORPHANED)


@pytest.fixture
def world() -> World:
    return World()


def runs(world: World, session: str, *exits: Exit) -> None:
    for how in exits:
        world.exits(session, world.takes_one(session).ref, how)


def test_an_agent_on_which_too_many_fail_in_a_row_gets_no_more(world: World) -> None:
    """P11: also by the default of 5; the others go on, and sweep and agent are told."""
    world.create(RANDOM)
    good, bad = world.attach("good"), world.attach("bad")
    runs(world, good, EXIT_0)
    runs(world, bad, *[FAILS] * 4)
    assert world.sweep().reason == ""
    runs(world, bad, FAILS)
    assert world.offer(bad) == []
    assert world.sweep().state is SweepState.RUNNING
    assert world.sweep().reason == (
        "agent bad gets no more runs, as too many attempts failed there in a row; "
        "mend the cause, then release it: sweepctl agents release bad"
    )
    told = world.last_told(Withheld)
    assert (told.sweep, told.reason) == ("local/demo/s", WithheldReason.GUARD)
    assert told.message == (
        "5 attempts failed here in a row; agent bad gets no more runs of local/demo/s "
        "until a person releases it: sweepctl agents release bad"
    )
    (line,) = [each for each in world.changes if isinstance(each, Happened) and each.kind == "agent-held"]
    assert line.detail["agent"] == "bad"
    assert str(line.detail["reason"]).startswith("5 attempts failed there in a row, the last one because: ")
    runs(world, good, EXIT_0)
    assert world.state.index[1].guards == {"bad": Guarded(failures=5, held=True)}


@pytest.mark.parametrize(("between", "held"), [(EXIT_0, False), (COMMANDED, False), (LOST, True)])
def test_a_run_that_ends_well_or_is_stopped_begins_a_new_row(world: World, between: Exit, held: bool) -> None:
    world.create({**RANDOM, "guard": {"agent": 3}})
    session = world.attach()
    runs(world, session, EXIT_0, FAILS, FAILS, between, FAILS)
    assert (world.state.index[1].guards["ann"].failures == 3) == held
    assert (world.offer(session) == []) == held


def test_attempts_that_are_retried_count_against_the_agent(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 2}, "retry": {"failure": 5}})
    bad, good = world.attach("bad"), world.attach("good")
    runs(world, bad, FAILS, FAILS)
    assert world.last_told(Withheld).message.startswith("2 attempts failed here in a row; ")
    assert world.offer(bad) == []
    (start,) = world.offer(good)
    assert (start.run.number, start.run.attempt) == (1, 3)


def test_one_failure_is_no_row(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 1}})
    runs(world, world.attach("bad"), FAILS)
    assert world.last_told(Withheld).message.startswith("1 attempt failed here; agent bad gets no more")
    (line,) = [each for each in world.changes if isinstance(each, Happened) and each.kind == "agent-held"]
    assert str(line.detail["reason"]).startswith("1 attempt failed there, because: ")


def test_who_is_held_is_known_after_a_restart(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 2}})
    session = world.attach()
    runs(world, session, EXIT_0, FAILS, FAILS)
    world.restarts()
    assert world.offer(world.attach()) == []
    assert world.state.index[1].guards == {"ann": Guarded(failures=2, held=True)}


def test_whoever_is_held_is_named_again_after_a_pause(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 1}})
    session = world.attach()
    runs(world, session, EXIT_0, FAILS)
    named = world.sweep().reason
    world.happens(PauseSweep(S))
    assert world.sweep().reason == "paused by a person"
    world.happens(ResumeSweep(S))
    assert world.sweep().reason == named != ""


def test_the_sentence_names_several_agents_and_not_too_many() -> None:
    assert held_sentence([]) == ""
    assert held_sentence(["b", "a"]).startswith("agents a, b get no more runs")
    many = held_sentence(f"{n:02}" for n in range(12))
    assert many.startswith("agents 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, … get")


def test_a_pause_of_the_sweep_takes_the_blame_from_its_agents(world: World) -> None:
    """The first runs have all failed: it would be the same elsewhere."""
    world.create(RANDOM)
    session = world.attach()
    runs(world, session, *[FAILS] * 5)
    assert world.sweep().state is SweepState.PAUSED
    assert world.state.index[1].guards == {}
    world.happens(ResumeSweep(S))
    runs(world, session, FAILS)
    assert world.sweep().state is SweepState.RUNNING


def test_a_share_of_the_last_twenty_pauses_the_sweep(world: World) -> None:
    world.create({**RANDOM, "guard": {"sweep": 0.55, "agent": 100}})
    session = world.attach()
    runs(world, session, EXIT_0, *[FAILS] * 11, *[EXIT_0] * 7)
    assert world.sweep().state is SweepState.RUNNING  # 19 have ended
    runs(world, session, EXIT_0)
    assert world.sweep().state is SweepState.RUNNING  # 11 of 20, but none has just failed
    runs(world, session, FAILS)
    assert world.sweep().state is SweepState.PAUSED
    assert world.sweep().paused_by_itself
    assert world.sweep().reason == (
        "12 of the last 20 runs have failed, the last one because: exited with code 3; fix it, then resume"
    )


@pytest.mark.parametrize("restarts", [False, True])
def test_after_resume_the_last_twenty_are_counted_anew(world: World, restarts: bool) -> None:
    world.create({**RANDOM, "guard": {"sweep": 0.5, "agent": 100}})
    session = world.attach()
    runs(world, session, *[EXIT_0, FAILS] * 10)
    assert world.sweep().state is SweepState.PAUSED
    world.happens(ResumeSweep(S))
    if restarts:
        world.restarts()
        session = world.attach()
    runs(world, session, *[FAILS] * 19)
    assert world.sweep().state is SweepState.RUNNING
    runs(world, session, FAILS)
    assert world.sweep().state is SweepState.PAUSED


def test_the_last_twenty_are_known_after_a_restart(world: World) -> None:
    world.create({**RANDOM, "guard": {"sweep": 0.5, "agent": 100}})
    session = world.attach()
    for _ in range(10):
        runs(world, session, EXIT_0)
        world.now += 1
    for _ in range(9):
        runs(world, session, FAILS)
        world.now += 1
    before = world.state.index[1].recent
    world.restarts()
    assert world.state.index[1].recent == before
    runs(world, world.attach(), FAILS)
    assert world.sweep().state is SweepState.PAUSED


def test_nothing_is_stored_of_agents_without_failures(world: World) -> None:
    world.create(RANDOM)
    runs(world, world.attach(), EXIT_0, EXIT_0)
    assert not [change for change in world.changes if isinstance(change, GuardChanged)]
