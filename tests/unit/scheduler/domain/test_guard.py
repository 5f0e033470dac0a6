"""Guard against wasted runs: quarantined agents (P11) and automatic pauses."""

import pytest

from sweepd_scheduler.domain.agents.agent import GuardRecord, Ineligible, IneligibleReason, QuarantineCause
from sweepd_scheduler.domain.effects import GuardChanged, HistoryEntry, LogLine
from sweepd_scheduler.domain.guard import quarantine_sentence
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import PauseSweep, ResumeSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.sweep import PauseCause
from sweepd_scheduler.domain.transitions import SweepState
from unit.scheduler.world import EXIT_0, OBJECTIVE, PARENT, RANDOM, World

S = SweepName(PARENT, "s")
FAILS = Exit(cause=ExitCause.EXITED, code=3)
COMMANDED = Exit(cause=ExitCause.COMMANDED, signal=15)
LOST = Exit(cause=ExitCause.ORPHANED)


def quarantined(failures: int) -> GuardRecord:
    reason = "exited with code 3"
    return GuardRecord(failures=failures, quarantine=QuarantineCause.FAILURES, reason=reason)


def state_of(world: World) -> tuple[SweepState, PauseCause | None]:
    return world.sweep().state, world.sweep().pause_cause


@pytest.fixture
def world() -> World:
    return World()


def runs(world: World, session: str, *exits: Exit) -> None:
    for how in exits:
        world.exits(session, world.takes_one(session).ref, how)


def test_an_agent_with_too_many_failures_in_a_row_is_quarantined(world: World) -> None:
    """P11: also by the default of 5; the others continue, and sweep and agent are notified."""
    world.create(RANDOM)
    good, bad = world.attach("good"), world.attach("bad")
    runs(world, good, EXIT_0)
    runs(world, bad, *[FAILS] * 4)
    assert world.sweep().reason == ""
    runs(world, bad, FAILS)
    assert world.offer(bad) == []
    assert world.sweep().state is SweepState.RUNNING
    assert world.sweep().reason == (
        "agent bad gets no more runs, as too many attempts failed there in a row, the last one because: "
        "exited with code 3; fix the cause, then release it: sweepctl agents release bad"
    )
    command = world.last_sent(Ineligible)
    assert (command.sweep, command.reason) == ("local/demo/s", IneligibleReason.GUARD)
    assert command.message == (
        "5 attempts failed here in a row; agent bad gets no more runs of local/demo/s "
        "until a person releases it: sweepctl agents release bad"
    )
    (line,) = [
        each for each in world.changes if isinstance(each, HistoryEntry) and each.kind == "agent-quarantined"
    ]
    assert line.detail["agent"] == "bad"
    assert str(line.detail["reason"]).startswith("5 attempts failed there in a row, the last one because: ")
    runs(world, good, EXIT_0)
    assert world.state.index[1].guards == {"bad": quarantined(5)}


@pytest.mark.parametrize(("between", "held"), [(EXIT_0, False), (COMMANDED, False), (LOST, True)])
def test_a_finished_or_stopped_run_resets_the_count_of_failures(
    world: World, between: Exit, held: bool
) -> None:
    world.create({**RANDOM, "guard": {"agent": 3}})
    session = world.attach()
    runs(world, session, EXIT_0, FAILS, FAILS, between, FAILS)
    assert (world.state.index[1].guards["ann"].failures == 3) == held
    assert (world.offer(session) == []) == held


def test_attempts_that_are_retried_count_against_the_agent(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 2}, "retry": {"failure": 5}})
    bad, good = world.attach("bad"), world.attach("good")
    runs(world, bad, FAILS, FAILS)
    assert world.last_sent(Ineligible).message.startswith("2 attempts failed here in a row; ")
    assert world.offer(bad) == []
    (start,) = world.offer(good)
    assert (start.run.number, start.run.attempt) == (1, 3)


def test_one_failure_does_not_quarantine(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 1}})
    runs(world, world.attach("bad"), FAILS)
    assert world.last_sent(Ineligible).message.startswith("1 attempt failed here; agent bad gets no more")
    (line,) = [
        each for each in world.changes if isinstance(each, HistoryEntry) and each.kind == "agent-quarantined"
    ]
    assert str(line.detail["reason"]).startswith("1 attempt failed there, because: ")


def test_quarantines_survive_a_restart(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 2}})
    session = world.attach()
    runs(world, session, EXIT_0, FAILS, FAILS)
    world.restarts()
    assert world.offer(world.attach()) == []
    assert world.state.index[1].guards == {"ann": quarantined(2)}


def test_quarantined_agents_are_named_again_after_a_pause(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 1}})
    world.attach("bob")
    session = world.attach()
    runs(world, session, EXIT_0, FAILS)
    named = world.sweep().reason
    world.happens(PauseSweep(S))
    assert world.sweep().reason == "paused by a person"
    world.happens(ResumeSweep(S))
    assert world.sweep().reason == named != ""


def test_the_sentence_names_several_agents_and_not_too_many() -> None:
    assert quarantine_sentence({"a": GuardRecord(failures=4)}) == ""
    both = {
        "b": quarantined(5),
        "a": GuardRecord(quarantine=QuarantineCause.START_FAILED, reason="no train.py"),
    }
    assert quarantine_sentence(both).startswith(
        "agents a, b get no more runs, as too many attempts failed on each in a row or they cannot start "
    )
    many = quarantine_sentence({f"{n:02}": quarantined(5) for n in range(12)})
    assert many.startswith("agents 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, … get")


def test_an_automatic_pause_clears_the_failures_of_agents(world: World) -> None:
    """The first runs have all failed, so other agents would fail, too."""
    world.create(RANDOM)
    session = world.attach()
    runs(world, session, *[FAILS] * 5)
    assert world.sweep().state is SweepState.PAUSED
    assert world.state.index[1].guards == {}
    world.happens(ResumeSweep(S))
    runs(world, session, FAILS)
    assert world.sweep().state is SweepState.RUNNING


def test_a_share_of_failures_among_the_last_twenty_runs_pauses_the_sweep(world: World) -> None:
    world.create({**RANDOM, "guard": {"sweep": 0.55, "agent": 100}})
    session = world.attach()
    runs(world, session, EXIT_0, *[FAILS] * 11, *[EXIT_0] * 7)
    assert world.sweep().state is SweepState.RUNNING  # 19 have ended
    runs(world, session, EXIT_0)
    assert world.sweep().state is SweepState.RUNNING  # 11 of 20, but the latest run did not fail
    runs(world, session, FAILS)
    assert world.sweep().state is SweepState.PAUSED
    assert world.sweep().paused_by_itself
    assert world.sweep().reason == (
        "12 of the last 20 runs have failed, the last one because: exited with code 3; "
        "fix the cause, then resume"
    )
    assert LogLine(f"local/demo/s is paused: {world.sweep().reason}") in world.effects


@pytest.mark.parametrize("restarts", [False, True])
def test_the_last_twenty_runs_are_counted_anew_after_a_resume(world: World, restarts: bool) -> None:
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


def test_the_last_twenty_runs_are_restored_after_a_restart(world: World) -> None:
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


def test_five_failures_of_one_agent_do_not_pause_the_sweep_while_another_agent_has_a_live_run(
    world: World,
) -> None:
    """P11: one agent in an empty folder, another one whose run is at 0.75."""
    world.create({**RANDOM, **OBJECTIVE})
    good, bad = world.attach("good"), world.attach("bad")
    live = world.takes_one(good)
    world.logs(good, live.ref, 1, 0.75)
    runs(world, bad, *[FAILS] * 5)
    assert state_of(world) == (SweepState.RUNNING, None)
    assert world.offer(bad) == [], "the agent is quarantined instead"
    world.exits(good, live.ref, last_row=1)
    assert world.offer(good) != []


def test_five_failures_of_one_agent_do_not_pause_the_sweep_while_another_waits(world: World) -> None:
    world.create(RANDOM)
    bad, good = world.attach("bad"), world.attach("good")
    runs(world, bad, *[FAILS] * 5)
    assert state_of(world) == (SweepState.RUNNING, None)
    assert world.offer(good) != []


@pytest.mark.parametrize("labels", [{}, {"gpu": "a100"}])
def test_an_agent_without_the_labels_does_not_count_as_another_agent(
    world: World, labels: dict[str, str]
) -> None:
    world.create({**RANDOM, "requires": {"gpu": "a100"}})
    bad = world.attach("bad", labels={"gpu": "a100"})
    world.attach("other", labels=labels)
    runs(world, bad, *[FAILS] * 5)
    paused = (SweepState.PAUSED, PauseCause.FIRST_RUNS_FAILED)
    assert state_of(world) == ((SweepState.RUNNING, None) if labels else paused)


def test_first_runs_that_failed_on_several_agents_pause_the_sweep(world: World) -> None:
    world.create(RANDOM)
    first, second, third = (world.attach(name) for name in ("ann", "bob", "cat"))
    world.takes_one(third)
    runs(world, first, *[FAILS] * 4)
    runs(world, second, FAILS)
    assert state_of(world) == (SweepState.PAUSED, PauseCause.FIRST_RUNS_FAILED)


def test_failures_on_a_second_agent_pause_the_sweep(world: World) -> None:
    world.create(RANDOM)
    bad = world.attach("bad")
    world.attach("good")
    runs(world, bad, *[FAILS] * 5)
    world.restarts()
    runs(world, world.attach("good"), FAILS)
    assert state_of(world) == (SweepState.PAUSED, PauseCause.FIRST_RUNS_FAILED)
    assert world.sweep().reason.startswith("the first 6 runs have all failed, the last one because: ")


@pytest.mark.parametrize(("last", "paused"), [(FAILS, True), (EXIT_0, False)])
def test_failures_of_the_only_agent_pause_the_sweep_only_once_its_live_run_has_failed(
    world: World, last: Exit, paused: bool
) -> None:
    """If its fifth failure in a row comes first, the agent is quarantined nevertheless."""
    world.create({**RANDOM, "guard": {"agent": 100}})
    session = world.attach(slots=2)
    first, second = world.offer(session, 2)
    for start in (first, second):
        world.confirms(session, start)
    world.exits(session, second.ref, FAILS)
    runs(world, session, *[FAILS] * 4)
    assert state_of(world) == (SweepState.RUNNING, None), "a run is live"
    world.exits(session, first.ref, last)
    expected = (SweepState.PAUSED, PauseCause.FIRST_RUNS_FAILED) if paused else (SweepState.RUNNING, None)
    assert state_of(world) == expected
