"""End of a run after an exit, and the observations that the sweep receives."""

import pytest

from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.effects import Ack, Fenced, StartRun, SweepEnded, Unsupported
from sweepd_scheduler.domain.events import Exited
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import CancelSweep, ResumeSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause, StopMode
from sweepd_scheduler.domain.search.study import StudyEvent, StudyObservation
from sweepd_scheduler.domain.sweep import Ending, Sweep
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.world import EXIT_0, OBJECTIVE, PARENT, RANDOM, World

S = SweepName(PARENT, "s")
HALVING = {**OBJECTIVE, "early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 2}}


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("how", "state", "reason"),
    [
        (Exit(cause=ExitCause.EXITED, code=3), RunState.FAILED, "exited with code 3: ValueError: bad lr"),
        (Exit(cause=ExitCause.SIGNALED, signal=9), RunState.FAILED, "ended by SIGKILL: ValueError: bad lr"),
        (Exit(cause=ExitCause.OUT_OF_MEMORY), RunState.FAILED, "the kernel killed it because memory ran out"),
        (
            Exit(cause=ExitCause.START_FAILED, message="no train.py"),
            RunState.PENDING,
            "agent ann could not start it: no train.py",
        ),
        (
            Exit(cause=ExitCause.INVALID_COMMAND, message="an argument is too long"),
            RunState.FAILED,
            "its command cannot be run: an argument is too long",
        ),
        (Exit(cause=ExitCause.TIMEOUT), RunState.FAILED, "exceeded its time limit"),
        (Exit(cause=ExitCause.COMMANDED, signal=15), RunState.STOPPED, "ended on command"),
        (
            Exit(cause=ExitCause.HANDED_BACK),
            RunState.PENDING,
            "its agent shut down and handed it back",
        ),
    ],
)
def test_the_cause_of_the_exit_decides_the_final_state(
    world: World, how: Exit, state: RunState, reason: str
) -> None:
    world.create(RANDOM)
    session = world.attach()
    start = world.takes_one(session)
    tail = 'Traceback:\n  File "x"\nValueError: bad lr\n\n'
    world.happens(Exited(session=session, ref=start.ref, last_row=0, exit=how, logged_keys=(), log_tail=tail))
    run = world.run((1, 1))
    assert (run.state, run.reason) == (state, reason)
    assert world.last_sent(Ack).run_state is state


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("out of data\nsweepd: watch() has no effect\n", "exited with code 3: out of data"),
        ("sweepd: watch() has no effect\n", "exited with code 3"),
    ],
)
def test_output_of_the_sdk_is_not_given_as_the_reason_of_a_failure(
    world: World, printed: str, reason: str
) -> None:
    world.create(RANDOM)
    session = world.attach()
    start = world.takes_one(session)
    how = Exit(cause=ExitCause.EXITED, code=3)
    world.happens(
        Exited(session=session, ref=start.ref, last_row=0, exit=how, logged_keys=(), log_tail=printed)
    )
    assert world.run((1, 1)).reason == reason


def test_an_exit_waits_for_its_observations(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE})
    session = world.attach()
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, 0.5)
    world.exits(session, start.ref, last_row=3)
    assert world.run((1, 1)).state is RunState.RUNNING
    assert world.last_sent(Ack) == Ack(ref=start.ref, observation_row=1)
    world.logs(session, start.ref, 2, 0.4, 0.3)
    world.exits(session, start.ref, last_row=3)
    assert world.run((1, 1)).state is RunState.FINISHED
    assert world.run((1, 1)).values.best == 0.3


def test_a_repeated_exit_is_acknowledged_again_and_counts_once(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE, "method": "bayes"})
    session = world.attach()
    world.offer(session)
    world.passes(1.0)
    start = world.last_sent(StartRun)
    world.logs(session, start.ref, 1, 0.5)
    for _ in range(2):
        world.exits(session, start.ref, last_row=1)
        assert world.last_sent(Ack).run_state is RunState.FINISHED
    notes = [c for c in world.changes if isinstance(c, StudyObservation) and c.event is StudyEvent.ENDED]
    assert len(notes) == 1


def test_overlapping_observations_are_trimmed_and_those_after_a_gap_are_dropped(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE})
    session = world.attach()
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, 0.5, 0.4)
    world.logs(session, start.ref, 2, 0.4, 0.3)
    assert world.run((1, 1)).values.iterations == 3
    world.logs(session, start.ref, 5, 0.1)
    assert world.run((1, 1)).values.best == 0.3
    assert world.last_sent(Ack).observation_row == 3


def test_non_finite_values_are_not_counted_as_iterations(world: World) -> None:
    world.create({**RANDOM, **OBJECTIVE})
    session = world.attach()
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, float("nan"), 0.4, float("inf"))
    values = world.run((1, 1)).values
    assert (values.iterations, values.best, values.last) == (1, 0.4, 0.4)


def test_the_stop_is_sent_with_the_value_that_decides_it(world: World) -> None:
    world.create({**RANDOM, **HALVING})
    session = world.attach(slots=3)
    starts = world.offer(session, 3)
    for start in starts:
        world.confirms(session, start)
    world.logs(session, starts[2].ref, 1, 0.9)
    assert not world.stops()
    world.logs(session, starts[0].ref, 1, 0.1)
    world.logs(session, starts[1].ref, 1, 0.5)
    (stop,) = world.stops()
    assert (stop.ref, stop.mode) == (starts[2].ref, StopMode.TERMINATE)
    assert world.run((1, 3)).verdicts[0].threshold == 0.5
    world.logs(session, starts[1].ref, 2, 0.01)
    world.exits(session, starts[2].ref, Exit(cause=ExitCause.COMMANDED, signal=15), last_row=1)
    assert world.run((1, 3)).state is RunState.STOPPED
    assert world.run((1, 3)).reason.startswith(
        "early termination (hyperband): 0.9 at iteration 1 is worse than 0.5"
    )


def test_a_run_that_exits_on_its_own_after_the_verdict_is_not_stopped(world: World) -> None:
    world.create({**RANDOM, **HALVING})
    session = world.attach(slots=3)
    starts = world.offer(session, 3)
    for start, value in zip(starts, (0.9, 0.1, 0.5), strict=True):
        world.confirms(session, start)
        world.logs(session, start.ref, 1, value)
    assert world.run((1, 1)).stop is not None
    world.logs(session, starts[0].ref, 2, 0.8)
    world.exits(session, starts[0].ref, EXIT_0, last_row=2)
    assert world.run((1, 1)).state is RunState.FINISHED


def test_a_stop_is_sent_again_when_the_agent_reconnects(world: World) -> None:
    world.create({**RANDOM, **HALVING})
    ann, bob = world.attach("ann"), world.attach("bob", slots=2)
    first, second, third = world.takes_one(ann), world.takes_one(bob), world.takes_one(bob)
    world.logs(ann, first.ref, 1, 0.9)
    world.leaves(ann)
    world.logs(bob, second.ref, 1, 0.1)
    world.logs(bob, third.ref, 1, 0.5)
    assert not world.stops()
    world.attach("ann", attempts=(world.held((1, 1), first.ref),))
    assert [stop.ref for stop in world.stops()] == [first.ref]


def test_the_target_ends_the_sweep_after_the_live_runs(world: World) -> None:
    world.create({**RANDOM, "metric": {"name": "acc", "goal": "maximize", "target": 0.9}})
    session = world.attach(slots=2)
    starts = world.offer(session, 2)
    for start in starts:
        world.confirms(session, start)
    world.logs(session, starts[0].ref, 1, 0.9)
    assert world.sweep().ending is Ending.TARGET
    assert not world.offer(session, 2)
    for start, last_row in zip(starts, (1, 0), strict=True):
        world.exits(session, start.ref, last_row=last_row)
    assert world.sweep().state is SweepState.FINISHED
    assert world.sweep().best is not None


def test_cancelling_kills_live_runs(world: World) -> None:
    world.create(RANDOM)
    session = world.attach(slots=2)
    start = world.takes_one(session)
    answer = world.happens(CancelSweep(S))
    assert isinstance(answer, Sweep)
    assert answer.state is SweepState.CANCELLED
    assert world.last_sent(SweepEnded).state is SweepState.CANCELLED
    assert world.stops()[-1].mode is StopMode.KILL
    world.exits(session, start.ref, Exit(cause=ExitCause.COMMANDED, signal=9))
    assert world.run((1, 1)).state is RunState.KILLED
    assert world.run((1, 1)).reason == "the sweep was cancelled"


def test_three_runs_without_the_objective_pause_the_sweep(world: World) -> None:
    world.create({**RANDOM, "metric": {"name": "val_loss"}})
    session = world.attach()
    for count in (1, 2, 3):
        start = world.takes_one(session)
        world.exits(session, start.ref, keys=("acc", "loss"))
        missing = world.sweep().objective_missing
        assert missing is not None
        assert (missing.consecutive_runs, missing.logged_keys) == (count, ("acc", "loss"))
        message = "your script logged `acc`, `loss`; the sweep optimises `val_loss`"
        assert world.run((1, count)).reason == world.last_sent(Ack).notice == message
    assert world.sweep().state is SweepState.PAUSED
    assert "val_loss" in world.sweep().reason
    world.happens(ResumeSweep(S))
    assert world.sweep().state is SweepState.RUNNING
    assert world.sweep().objective_missing is None


def test_a_sweep_whose_first_five_runs_fail_is_paused_once(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    for number in range(1, 6):
        assert world.sweep().state is not SweepState.PAUSED
        start = world.takes_one(session)
        world.exits(session, start.ref, Exit(cause=ExitCause.EXITED, code=number))
    assert world.sweep().state is SweepState.PAUSED
    assert "first 5 runs have all failed" in world.sweep().reason
    assert "exited with code 5" in world.sweep().reason
    world.happens(ResumeSweep(S))
    start = world.takes_one(session)
    world.exits(session, start.ref, Exit(cause=ExitCause.EXITED, code=1))
    assert world.sweep().state is SweepState.RUNNING


def test_a_sweep_with_one_successful_run_is_not_paused(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 100}})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref)
    for _ in range(6):
        world.exits(session, world.takes_one(session).ref, Exit(cause=ExitCause.EXITED, code=1))
    assert world.sweep().state is SweepState.RUNNING


def test_a_run_with_the_objective_resets_the_count_of_runs_without(world: World) -> None:
    world.create({**RANDOM, "metric": {"name": "loss"}})
    session = world.attach()
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, 0.5)
    world.exits(session, start.ref, last_row=1, keys=("loss",))
    for _ in range(4):
        start = world.takes_one(session)
        world.exits(session, start.ref, keys=("acc",))
    assert world.sweep().state is SweepState.RUNNING


def test_a_report_under_an_unknown_handle_is_unsupported_and_fences_nothing(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.takes_one(session)
    world.exits(session, AttemptRef(77, 1))
    assert isinstance(world.sent[-1][1], Unsupported)
    assert not [command for _, command in world.sent if isinstance(command, Fenced)]
