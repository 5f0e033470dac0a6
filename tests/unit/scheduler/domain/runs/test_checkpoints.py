"""Attempts that continue from a checkpoint: their counts, their agents, and charged retries."""

import pytest

from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.events import Described
from sweepd_scheduler.domain.runs.checkpoints import MAX_CHECKPOINTS, checkpoint_at
from sweepd_scheduler.domain.runs.run import Attempt, Checkpoint, Exit, ExitCause
from sweepd_scheduler.domain.runs.values import Values
from sweepd_scheduler.domain.transitions import AttemptState, RunState
from unit.scheduler.world import GRID_4, OBJECTIVE, RANDOM, World

HANDED_BACK = Exit(cause=ExitCause.HANDED_BACK, signal=15)
HYPERBAND = {
    **RANDOM,
    **OBJECTIVE,
    "early_terminate": [
        {"type": "hyperband", "min_iter": 2, "eta": 2},
        {"type": "patience", "iterations": 5},
    ],
}


def rungs(world: World, run: int = 1) -> dict[int, float]:
    found = world.state.index[1].rungs
    return {rung: values.by_run[run] for (_, rung), values in found.items() if run in values.by_run}


def a_run_with_a_checkpoint(world: World) -> tuple[str, AttemptRef]:
    """Begin a run; it logs 6 values, saves after the third and the fifth, and is handed back."""
    world.create(HYPERBAND)
    session = world.attach("ann", slots=2)
    ref = world.takes_one(session).ref
    world.logs(session, ref, 1, 5.0, 4.0, 3.0)
    world.saves(session, ref, 4, step=2)
    world.logs(session, ref, 5, 6.0, 7.0)
    world.saves(session, ref, 7, step=4)
    world.logs(session, ref, 8, 1.0)
    assert world.run((1, 1)).values.iterations == 6
    world.exits(session, ref, HANDED_BACK, last_row=8)
    assert world.run((1, 1)).state is RunState.PENDING
    return session, ref


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("step", "iterations", "best", "last", "kept"),
    [(4, 5, 3.0, 7.0, {2: 4.0, 4: 6.0}), (3, 3, 3.0, 3.0, {2: 4.0}), (2, 3, 3.0, 3.0, {2: 4.0})],
)
def test_a_resumed_attempt_counts_iterations_from_its_checkpoint(
    restarts: bool, step: int, iterations: int, best: float, last: float, kept: dict[int, float]
) -> None:
    world = World()
    a_run_with_a_checkpoint(world)
    if restarts:
        world.restarts()
    session = world.attach("bob")
    start = world.takes_one(session)
    assert start.run.values == Values()
    world.resumes(session, start.ref, step)
    run = world.run((1, 1))
    assert (run.values.iterations, run.values.best, run.values.last) == (iterations, best, last)
    assert run.newest.resumed_from_step == step
    assert rungs(world) == kept
    assert world.sweep().best is not None
    assert world.sweep().best.value == best  # type: ignore[union-attr]
    world.logs(session, start.ref, 1, 9.0)
    assert world.run((1, 1)).values.iterations == iterations + 1
    world.resumes(session, start.ref, step)  # repeated on a new stream
    assert world.run((1, 1)).values.iterations == iterations + 1


def test_an_attempt_that_starts_over_counts_iterations_from_zero() -> None:
    world = World()
    a_run_with_a_checkpoint(world)
    session = world.attach("bob")
    ref = world.takes_one(session).ref
    world.logs(session, ref, 1, 8.0)
    run = world.run((1, 1))
    assert (run.values.iterations, run.values.best) == (1, 8.0)
    assert rungs(world) == {}
    world.logs(session, ref, 2, 8.0)
    assert rungs(world) == {2: 8.0}


def test_an_attempt_that_resumes_before_any_checkpoint_counts_from_zero() -> None:
    world = World()
    a_run_with_a_checkpoint(world)
    session = world.attach("bob")
    ref = world.takes_one(session).ref
    world.resumes(session, ref, 1)
    assert world.run((1, 1)).values == Values()
    assert rungs(world) == {}


def test_a_third_attempt_continues_from_a_checkpoint_of_the_first() -> None:
    world = World()
    session, _ = a_run_with_a_checkpoint(world)
    second = world.takes_one(session).ref
    world.resumes(session, second, 4)
    world.logs(session, second, 1, 2.0)
    world.exits(session, second, HANDED_BACK, last_row=1)
    third = world.takes_one(session).ref
    world.resumes(session, third, 4)
    assert world.run((1, 1)).values.iterations == 5


def attempt(*saved: int, resumed_from: int | None = None, started: bool = True) -> Attempt:
    return Attempt(
        number=1,
        agent="ann",
        host="host",
        state=AttemptState.ENDED,
        assign_time=1,
        start_time=int(started),
        resumed_from_step=resumed_from,
        checkpoints=tuple(Checkpoint(step=step, values=Values(iterations=step)) for step in saved),
    )


@pytest.mark.parametrize(
    ("attempts", "step", "at"),
    [
        ((), 5, None),
        ((attempt(3, 6),), 5, 3),
        ((attempt(3, 6),), 6, 6),
        ((attempt(3, 6),), 2, None),
        ((attempt(3, 6), attempt(resumed_from=6)), 6, 6),
        ((attempt(3, 6), attempt(resumed_from=3)), 6, 3),
        ((attempt(3, 6), attempt(4, resumed_from=3)), 6, 4),
        ((attempt(3, 6), attempt()), 6, None),
        ((attempt(3, 6), attempt(started=False)), 6, 6),
    ],
)
def test_replaced_checkpoints_are_not_resumed_from(
    attempts: tuple[Attempt, ...], step: int, at: int | None
) -> None:
    checkpoint = checkpoint_at(attempts, step)
    assert (checkpoint.step if checkpoint else None) == at


def test_the_newest_checkpoints_are_kept_each_step_once() -> None:
    world = World()
    world.create({**RANDOM, **OBJECTIVE})
    session = world.attach()
    ref = world.takes_one(session).ref
    for row in range(1, 2 * MAX_CHECKPOINTS + 1):
        world.saves(session, ref, row, step=row // 2)
    steps = [each.step for each in world.run((1, 1)).newest.checkpoints]
    assert steps == list(range(1, MAX_CHECKPOINTS + 1))


def test_a_retry_goes_to_an_agent_with_access_to_its_checkpoint() -> None:
    world = World()
    world.create(GRID_4)
    first = world.attach("ann", storage="nfs")
    ref = world.takes_one(first).ref
    same = world.attach("cid", storage="nfs")
    world.exits(first, ref, HANDED_BACK)
    world.leaves(first)
    assert [each.run.number for each in world.offer(same)] == [1]


def test_a_retry_goes_to_any_agent_if_none_with_its_checkpoint_has_capacity() -> None:
    world = World()
    world.create(GRID_4)
    first = world.attach("ann", storage="nfs")
    ref = world.takes_one(first).ref
    other, same = world.attach("bob", storage="scratch"), world.attach("cid", storage="nfs")
    for session in (other, same):
        world.takes_one(session)
    world.exits(first, ref, HANDED_BACK)
    world.leaves(first)
    assert [each.run.number for each in world.offer(other)] == [1], (
        "no agent with access to it has free capacity"
    )


def test_agents_with_free_capacity_are_served_by_their_access_to_checkpoints() -> None:
    world = World()
    world.create({**GRID_4, "run_cap": 1})
    first = world.attach("ann", storage="nfs")
    ref = world.takes_one(first).ref
    other, same = world.attach("bob", storage="scratch"), world.attach("cid", storage="nfs")
    assert not world.offer(other)
    assert not world.offer(same)
    count = len(world.sent)
    world.exits(first, ref, HANDED_BACK)
    assert [session for session, command in world.sent[count:] if hasattr(command, "run")] == [same]


@pytest.mark.parametrize("announced", [False, True])
def test_the_loss_of_an_agent_whose_machine_is_preempted_is_not_charged(announced: bool) -> None:
    world = World()
    world.create({**GRID_4, "retry": {"infrastructure": 0}})
    session = world.attach()
    ref = world.takes_one(session).ref
    world.happens(Described(session=session, ref=ref, sequence=1, body=b"", preempting=announced))
    world.leaves(session)
    world.passes(1_000.0)
    run = world.run((1, 1))
    assert (run.state, run.requeues) == (RunState.PENDING if announced else RunState.CRASHED, 0)


def test_a_lost_run_that_continues_is_refunded_only_its_own_charge() -> None:
    """An attempt that was not charged, because its machine was being preempted, refunds no earlier charge."""
    world = World()
    world.create(GRID_4)
    first = world.attach("ann")
    world.takes_one(first)
    world.leaves(first)
    world.passes(1_000.0)
    assert world.run((1, 1)).requeues == 1
    second = world.attach("bob")
    ref = world.takes_one(second).ref
    world.happens(Described(session=second, ref=ref, sequence=1, body=b"", preempting=True))
    world.leaves(second)
    world.passes(1_000.0)
    assert (world.run((1, 1)).state, world.run((1, 1)).requeues) == (RunState.PENDING, 1)
    world.attach("bob", attempts=(world.held((1, 1), ref),))
    assert (world.run((1, 1)).state, world.run((1, 1)).requeues) == (RunState.RUNNING, 1)
