"""Every command in every state of a run and of a sweep: executed, or refused with a reason."""

from collections.abc import Callable, Mapping

import pytest

from sweepd_kernel.errors import DomainError, Reason
from sweepd_scheduler.domain.requests.requests import CancelSweep, PauseSweep, StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.sweep import Ending
from sweepd_scheduler.domain.transitions import AttemptState, RunState, SweepState
from unit.scheduler.client_requests import S, end_run, enqueue, retry, set_cap
from unit.scheduler.world import OBJECTIVE, RANDOM, World

EXIT_1 = Exit(cause=ExitCause.EXITED, code=1)
TARGET = {**RANDOM, "metric": {"name": "loss", "target": 0.5}}
LIST = {"method": "list", "runs": [{"x": 0.5}], **OBJECTIVE}
WRONG, CAP = Reason.WRONG_STATE, Reason.CAP_REACHED
P, A, R = RunState.PENDING, RunState.ASSIGNED, RunState.RUNNING
STOPPED = RunState.STOPPED


def one_run(world: World, document: Mapping[str, object] = RANDOM) -> str:
    """Create a sweep whose first run is live."""
    world.create(document)
    session = world.attach()
    world.takes_one(session)
    return session


def ended(how: Exit | None, document: Mapping[str, object] = RANDOM, value: float = 0.5) -> World:
    """Return a world whose first run has ended."""
    world = World()
    world.create(document)
    session = world.attach()
    start = world.takes_one(session)
    world.logs(session, start.ref, 1, value)
    if how is None:
        world.leaves(session)
        world.passes(300)
    else:
        world.exits(session, start.ref, how, 1)
    return world


def run_pending() -> World:
    world = World()
    world.create(RANDOM)
    enqueue(world, {"x": 0.5})
    return world


def run_assigned() -> World:
    world = run_pending()
    world.offer(world.attach())
    return world


def run_running() -> World:
    world = World()
    one_run(world)
    return world


def run_suspect() -> World:
    world = World()
    world.leaves(one_run(world))
    world.passes(40)
    assert world.run((1, 1)).newest.state is AttemptState.SUSPECT
    return world


def run_stopping() -> World:
    world = run_running()
    end_run(world, 1)
    return world


def run_stopped() -> World:
    world = run_pending()
    end_run(world, 1)
    return world


def run_killed() -> World:
    world = run_pending()
    world.happens(CancelSweep(S))
    return world


def run_crashed() -> World:
    return ended(None, {**RANDOM, "retry": {"infrastructure": 0}})


def sweep_of(command: type[PauseSweep | StopSweep | CancelSweep], *, live: bool) -> Callable[[], World]:
    def make() -> World:
        world = ended(EXIT_1)
        if live:
            world.takes_one(next(iter(world.state.sessions)))
        world.happens(command(S))
        return world

    return make


def finished(document: Mapping[str, object]) -> Callable[[], World]:
    return lambda: ended(EXIT_1, document)


def at_its_cap() -> World:
    world = run_running()
    set_cap(world, 1)
    return world


def reason_of(command: Callable[[], object]) -> Reason | str | None:
    """Call a command; return the reason of a refusal, or the message if it names no reason."""
    try:
        command()
    except DomainError as refused:
        return refused.reason if str(S) in refused.metadata["name"] else refused.message
    return None


@pytest.mark.parametrize(
    ("make", "stop", "after_stop", "again", "after_retry"),
    [
        (run_pending, None, STOPPED, WRONG, P),
        (run_assigned, None, A, WRONG, A),
        (run_running, None, R, WRONG, R),
        (run_suspect, None, R, WRONG, R),
        (run_stopping, None, R, WRONG, R),
        (
            lambda: ended(Exit(cause=ExitCause.EXITED, code=0)),
            WRONG,
            RunState.FINISHED,
            WRONG,
            RunState.FINISHED,
        ),
        (lambda: ended(EXIT_1), WRONG, RunState.FAILED, None, P),
        (run_crashed, WRONG, RunState.CRASHED, None, P),
        (run_stopped, WRONG, STOPPED, None, P),
        (run_killed, WRONG, RunState.KILLED, WRONG, RunState.KILLED),
    ],
)
def test_a_run_is_stopped_and_retried_in_each_of_its_states(
    make: Callable[[], World],
    stop: Reason | None,
    after_stop: RunState,
    again: Reason | None,
    after_retry: RunState,
) -> None:
    world = make()
    assert reason_of(lambda: end_run(world, 1)) == stop
    assert world.run((1, 1)).state is after_stop
    assert (world.run((1, 1)).stop is not None) == (after_stop in (A, R))
    world = make()
    assert reason_of(lambda: retry(world, 1)) == again
    assert world.run((1, 1)).state is after_retry


SWEEPS = [
    (lambda: ended(EXIT_1), "running", None, "running", None, "running", "running"),
    (sweep_of(PauseSweep, live=True), "paused", None, "paused", None, "paused", "paused"),
    (at_its_cap, "running", CAP, "running", None, "running", "running"),
    (sweep_of(StopSweep, live=True), "running", WRONG, "running", None, "running", "running"),
    (sweep_of(StopSweep, live=False), "stopped", WRONG, "stopped", None, "running", "stopped"),
    (sweep_of(CancelSweep, live=False), "cancelled", WRONG, "cancelled", WRONG, "cancelled", "cancelled"),
    (finished(LIST), "finished", None, "running", None, "running", "finished"),
    (finished(TARGET), "finished", None, "running", None, "running", "finished"),
    (finished({**RANDOM, "run_cap": 1}), "finished", CAP, "finished", None, "running", "running"),
    (
        lambda: ended(EXIT_1, {**RANDOM, **OBJECTIVE, "canary": True}, float("nan")),
        "failed",
        WRONG,
        "failed",
        None,
        "running",
        "failed",
    ),
]


@pytest.mark.parametrize(("make", "state", "refused", "enqueued", "unretried", "retried", "raised"), SWEEPS)
def test_each_command_in_each_state_of_a_sweep(
    make: Callable[[], World],
    state: str,
    refused: Reason | None,
    enqueued: str,
    unretried: Reason | None,
    retried: str,
    raised: str,
) -> None:
    world = make()
    assert world.sweep().state == state
    assert reason_of(lambda: enqueue(world, {"x": 0.5})) == refused
    assert world.sweep().state == enqueued
    world = make()
    if world.run((1, 1)).state is RunState.FAILED:
        assert reason_of(lambda: retry(world, 1)) == unretried
        assert world.sweep().state == retried
    world = make()
    assert reason_of(lambda: set_cap(world, 5)) is None, "an edit is not refused because of the state"
    assert world.sweep().state == raised
    assert (world.sweep().spec.run_cap, world.sweep().revision) == (5, 2 + (make is at_its_cap))


def test_a_stopped_sweep_continues_with_retried_runs_and_accepts_no_points() -> None:
    world = sweep_of(StopSweep, live=False)()
    retry(world, 1)
    assert world.sweep().ending is Ending.RETRIED
    assert reason_of(lambda: enqueue(world, {"x": 0.5})) == WRONG
    world.happens(PauseSweep(S))
    assert world.sweep().state is SweepState.PAUSED
    assert reason_of(lambda: enqueue(world, {"x": 0.5})) == WRONG
