"""Standalone runs: users start them, and their agents claim them, once or repeatedly."""

import pytest

from sweepd_kernel.errors import DomainError, NotFoundError, Reason, WrongStateError
from sweepd_scheduler.domain.agents.agent import AttemptRef, ReportedAttempt
from sweepd_scheduler.domain.effects import Fate, Fenced, HistoryEntry, StartRun, Welcome
from sweepd_scheduler.domain.names import NameTakenError, RunName, SweepName, standing_name
from sweepd_scheduler.domain.requests.requests import EndRun, StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause, PointSource, Provenance, Run, StopMode
from sweepd_scheduler.domain.transitions import AttemptState, RunState
from unit.scheduler.world import PARENT, RANDOM, World

HANDLE = 2**31
REF = AttemptRef(HANDLE, 1)
FAILED = Exit(cause=ExitCause.EXITED, code=1)


@pytest.fixture
def world() -> World:
    return World()


def follows(world: World, run: Run) -> str:
    """Attach the agent of a run; it names the run in its Hello."""
    return world.attach(run.newest.agent, None, attempts=(world.held(run.key, REF),))


def last_fate(world: World) -> Fate:
    return world.last_sent(Welcome).verdicts[0].fate


def test_a_claimed_run_exists_and_is_running(world: World) -> None:
    run = world.start_standalone("abcdefgh", start_time=5)
    assert (run.name, run.state, run.attempt) == ("local/demo/abcdefgh", RunState.RUNNING, 1)
    assert (run.newest.agent, run.newest.state) == ("ann", AttemptState.RUNNING)
    assert (run.start_time, run.point, run.newest.argv) == (5, {"lr": 0.1}, ("python", "train.py"))
    assert (run.number, run.place, run.occurrence) == (1, 1, 0)
    assert run.provenance == Provenance(source=PointSource.STANDALONE, seed=0)
    assert world.start_standalone("ijklmnop").number == 2


def test_a_name_that_is_taken_is_refused(world: World) -> None:
    world.create(RANDOM, "abcdefgh")
    with pytest.raises(NameTakenError, match="local/demo/abcdefgh exists already"):
        world.start_standalone("abcdefgh")


def test_a_start_time_in_the_future_is_replaced_by_the_current_time(world: World) -> None:
    assert world.start_standalone("abcdefgh", start_time=10**18).start_time == world.clock_reading.wall - 1


def test_an_id_is_generated_if_none_is_given(world: World) -> None:
    assert world.start_standalone(None).name == "local/demo/drawn"


def test_a_repeated_claim_changes_nothing(world: World) -> None:
    run = world.start_standalone("abcdefgh")
    stored = len(world.changes)
    assert world.start_standalone("abcdefgh") == run
    assert len(world.changes) == stored


@pytest.mark.parametrize(("ended", "state"), [(None, RunState.FINISHED), (FAILED, RunState.FAILED)])
def test_the_exit_decides_the_final_state_of_a_run(world: World, ended: Exit | None, state: RunState) -> None:
    run = world.start_standalone("abcdefgh", start_time=5)
    session = follows(world, run)
    assert last_fate(world) is Fate.KEEP
    world.exits(session, REF, ended or Exit(cause=ExitCause.EXITED, code=0), time=9)
    over = world.run(run.key)
    assert (over.state, over.end_time, over.newest.end_time) == (state, 9, 9)
    assert world.start_standalone("abcdefgh") == over, "a claim of an ended run returns it unchanged"


def test_failures_neither_quarantine_agents_nor_pause_anything(world: World) -> None:
    runs = [world.start_standalone(f"run{number}") for number in range(30)]
    for run in runs:
        world.exits(follows(world, run), REF, FAILED)
        assert world.run(run.key).state is RunState.FAILED
    ineligibility = runs[0].sweep
    assert world.state.sweeps[ineligibility].hands_out
    assert not world.state.index[ineligibility].guards


def test_a_run_whose_script_has_vanished_has_crashed(world: World) -> None:
    run = world.start_standalone("abcdefgh")
    world.exits(follows(world, run), REF, Exit(cause=ExitCause.ORPHANED, message="it has vanished"))
    assert (world.run(run.key).state, world.run(run.key).reason) == (RunState.CRASHED, "it has vanished")
    assert world.start_standalone("abcdefgh").state is RunState.CRASHED


def test_a_silent_agent_leaves_a_crashed_run_that_continues_when_it_claims_it_again(world: World) -> None:
    run = world.start_standalone("abcdefgh")
    session = follows(world, run)
    world.logs(session, REF, 1, 0.5)
    world.leaves(session)
    world.passes(125)
    lost = world.run(run.key)
    assert (lost.state, lost.newest.state) == (RunState.CRASHED, AttemptState.LOST)
    follows(world, run)
    assert last_fate(world) is Fate.STOP, "no agent has claimed it yet"
    back = world.start_standalone("abcdefgh")
    assert (back.state, back.attempt, back.observation_row, back.end_time) == (RunState.RUNNING, 1, 1, 0)
    assert any(isinstance(each, HistoryEntry) and each.kind == "run-claimed" for each in world.changes)
    session = follows(world, run)
    assert last_fate(world) is Fate.KEEP
    world.exits(session, REF, last_row=1)
    assert world.run(run.key).state is RunState.FINISHED


def test_a_run_that_is_claimed_again_has_a_new_lease(world: World) -> None:
    run = world.start_standalone("abcdefgh")
    world.passes(125)
    world.start_standalone("abcdefgh")
    world.passes(125)
    assert world.run(run.key).state is RunState.CRASHED


def test_a_run_of_another_agent_cannot_be_claimed(world: World) -> None:
    world.start_standalone("abcdefgh", agent="ann")
    with pytest.raises(DomainError) as refused:
        world.start_standalone("abcdefgh", agent="bob")
    assert refused.value.reason is Reason.NAME_TAKEN


@pytest.mark.parametrize("attempt", [1, 2])
@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.CRASHED, RunState.FINISHED])
def test_an_agent_without_the_secret_can_neither_claim_a_run_nor_report_on_it(
    world: World, state: RunState, attempt: int
) -> None:
    run = world.start_standalone("abcdefgh")
    session = follows(world, run)
    if state is RunState.CRASHED:
        world.passes(125)
    elif state is RunState.FINISHED:
        world.exits(session, REF)
    before, changes = world.run(run.key), list(world.changes)
    assert before.state is state
    with pytest.raises(DomainError) as refused:
        world.start_standalone("abcdefgh", attempt=attempt, secret=b"guessed")
    assert refused.value.reason is Reason.NAME_TAKEN
    eve = world.attach("eve", None, attempts=(world.held(run.key, REF, secret=b"guessed"),))
    assert last_fate(world) is Fate.UNKNOWN
    world.logs(eve, REF, 1, -1e9)
    world.exits(eve, REF)
    assert (world.run(run.key), world.changes) == (before, changes)


@pytest.mark.parametrize(("sweep", "run_id"), [("s", "s"), ("s", "s-1"), ("s-1", "s")])
def test_ids_are_unique_across_sweeps_and_runs(world: World, sweep: str, run_id: str) -> None:
    world.create(RANDOM, sweep)
    with pytest.raises(DomainError) as refused:
        world.start_standalone(run_id)
    assert refused.value.reason is Reason.NAME_TAKEN


@pytest.mark.parametrize(("sweep", "run_id"), [("s", "s"), ("s", "s-1")])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_sweep_cannot_take_the_name_of_a_run(
    world: World, sweep: str, run_id: str, *, restarted: bool
) -> None:
    world.start_standalone(run_id)
    if restarted:
        world.restarts()
    with pytest.raises(DomainError) as refused:
        world.create(RANDOM, sweep)
    assert refused.value.reason is Reason.NAME_TAKEN


def test_a_standalone_run_can_be_stopped(world: World) -> None:
    run = world.start_standalone("abcdefgh")
    session = follows(world, run)
    world.happens(EndRun(name=RunName(standing_name(PARENT), run.number, "abcdefgh")))
    (stop,) = world.stops()
    assert (stop.ref, stop.mode) == (REF, StopMode.TERMINATE)
    world.exits(session, REF, Exit(cause=ExitCause.COMMANDED))
    assert (world.run(run.key).state, world.run(run.key).reason) == (RunState.STOPPED, "stopped by a person")
    with pytest.raises(WrongStateError):
        world.happens(
            EndRun(
                name=RunName(standing_name(PARENT), run.number, "abcdefgh"),
                looked_up=True,
                found=world.run(run.key),
            )
        )


def test_a_standalone_run_continues_over_a_restart_and_is_never_handed_out(world: World) -> None:
    run = world.start_standalone("abcdefgh")
    world.create(RANDOM)
    world.restarts()
    (start,) = world.offer(world.attach("bob"))
    assert isinstance(start, StartRun)
    assert not start.run.is_standalone
    session = follows(world, run)
    assert last_fate(world) is Fate.KEEP
    world.exits(session, REF)
    assert world.run(run.key).state is RunState.FINISHED


def test_runs_of_a_project_are_counted_from_one(world: World) -> None:
    assert [world.start_standalone(name).number for name in ("a", "b", "c")] == [1, 2, 3]


def test_an_agent_that_names_neither_sweeps_nor_attempts_is_refused(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.attach("ann", None)


def test_the_internal_sweep_of_standalone_runs_is_hidden_from_clients(world: World) -> None:
    world.start_standalone("abcdefgh")
    with pytest.raises(NotFoundError):
        world.happens(StopSweep(SweepName(PARENT, "abcdefgh")))


def test_the_process_of_an_unknown_attempt_is_kept(world: World) -> None:
    world.attach("ann", None, attempts=(ReportedAttempt(ref=REF, known=None),))
    assert last_fate(world) is Fate.UNKNOWN


@pytest.mark.parametrize("silent", [False, True])
def test_a_second_start_of_a_running_script_loses_and_fences_the_first_attempt(
    world: World, *, silent: bool
) -> None:
    run = world.start_standalone("abcdefgh")
    session = follows(world, run)
    if silent:
        world.passes(35)  # its lease has expired
    world.start_standalone("abcdefgh", attempt=2)
    first, second = world.run(run.key).attempts
    assert (first.state, second.state) == (AttemptState.LOST, AttemptState.RUNNING)
    assert first.reason == "its script was restarted"
    assert first.end_time
    assert world.state.last_seen[run.key] == world.now, "it has a lease of its own"
    before = world.run(run.key)
    world.logs(session, REF, 1, 0.5)
    world.exits(session, REF)
    assert world.run(run.key) == before, "reports of the first change nothing"
    assert [command.ref for _, command in world.sent if isinstance(command, Fenced)] == [REF, REF]
    world.attach("ann", None, attempts=(world.held(run.key, REF),))
    assert last_fate(world) is Fate.STOP
    world.restarts()
    assert world.state.runs[run.key].attempts == before.attempts


@pytest.mark.parametrize("ended", [True, False])
def test_a_restarted_script_continues_its_run(world: World, *, ended: bool) -> None:
    run = world.start_standalone("abcdefgh", start_time=5)
    session = follows(world, run)
    world.logs(session, REF, 1, 0.5)
    if ended:
        world.exits(session, REF, last_row=1)
    again = world.start_standalone("abcdefgh", attempt=2)
    assert (again.state, again.attempt, again.observation_row) == (RunState.RUNNING, 2, 0)
    assert (again.start_time, again.end_time) == (5, 0)
    assert again.attempts[0].state is (AttemptState.ENDED if ended else AttemptState.LOST)
    session = world.attach("ann", None, attempts=(world.held(run.key, AttemptRef(HANDLE, 2)),))
    assert last_fate(world) is Fate.KEEP
    world.exits(session, AttemptRef(HANDLE, 2), FAILED)
    assert world.run(run.key).state is RunState.FAILED
    assert world.start_standalone("abcdefgh", attempt=1).state is RunState.FAILED, (
        "a lower one changes nothing"
    )


def test_unreported_attempts_are_shown_as_such(world: World) -> None:
    run = world.start_standalone("abcdefgh", attempt=3)
    states = [each.state for each in run.attempts]
    assert states == [AttemptState.RETURNED, AttemptState.RETURNED, AttemptState.RUNNING]
    world.restarts()
    assert world.state.runs[run.key].attempt == 3
    follows_third = world.attach("ann", None, attempts=(world.held(run.key, AttemptRef(HANDLE, 3)),))
    world.exits(follows_third, AttemptRef(HANDLE, 3))
    assert world.run(run.key).state is RunState.FINISHED
