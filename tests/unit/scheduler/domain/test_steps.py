"""Decisions about many runs: other tasks run between their steps, and they are atomic nevertheless."""

from collections.abc import Callable, Iterator
from copy import copy

import pytest

from sweepd_scheduler.domain.decide import decide_in_steps
from sweepd_scheduler.domain.effects import RUNS_PER_STEP, Decision
from sweepd_scheduler.domain.events import Event, TimeoutDue
from sweepd_scheduler.domain.requests.requests import (
    CancelSweep,
    CreateSweep,
    EnqueueRun,
    Retried,
    RetryRuns,
    StopSweep,
)
from sweepd_scheduler.domain.state import VALUES_PER_STEP
from sweepd_scheduler.domain.transitions import FINAL_RUN, RunState, SweepState
from synchronous_decide import decide
from unit.scheduler.client_requests import S
from unit.scheduler.prior import prior_runs
from unit.scheduler.world import OBJECTIVE, PARENT, RANDOM, World, a_spec

MANY = 2 * RUNS_PER_STEP + 50


@pytest.fixture
def world() -> World:
    """A sweep with many waiting runs and one live run."""
    world = World()
    world.create({**RANDOM, "sweep_timeout": "1h"})
    world.takes_one(world.attach())
    for number in range(1, MANY):
        event = EnqueueRun(sweep=S, point={"x": 0.5 / number}, first=False)
        world.changes += decide(world.state, event, world.clock_reading).changes
    world.state.undo_log.keep()
    return world


def steps_of(world: World, event: Event) -> Iterator[Decision | None]:
    """Run the steps of a decision; return its result last."""
    steps = decide_in_steps(world.state, event, world.clock_reading)
    try:
        while True:
            next(steps)
            yield None
    except StopIteration as end:
        yield end.value


def retry_all(world: World) -> RetryRuns:
    world.happens(StopSweep(S))
    stored = world.everything()
    sweep = stored.sweep(S)
    assert sweep is not None
    runs = tuple(stored.chosen_runs(sweep, (RunState.STOPPED,), ()))
    return RetryRuns(sweep=S, runs=runs, named=False, stored=stored.stored(S))


EVENTS: dict[str, Callable[[World], Event]] = {
    "stop": lambda world: StopSweep(S),
    "cancel": lambda world: CancelSweep(S),
    "timeout": lambda world: TimeoutDue(1, world.state.sweeps[1].timed_from),
    "retry": retry_all,
}


@pytest.mark.parametrize("call", EVENTS)
def test_no_step_is_long_and_the_counts_are_right_after_each(world: World, call: str) -> None:
    event = EVENTS[call](world)
    final = world.state.sweeps[1].counts.ended
    for step in steps_of(world, event):
        before, final = final, world.state.sweeps[1].counts.ended
        assert abs(final - before) <= RUNS_PER_STEP
        if step is not None:
            world.state.undo_log.keep()
            world.changes += step.changes
    assert final == (0 if call == "retry" else MANY - 1)
    world.ledger.check(world.state, world.changes)
    world.restarts()


@pytest.mark.parametrize("call", EVENTS)
def test_an_interrupted_decision_leaves_no_trace(world: World, call: str) -> None:
    event = EVENTS[call](world)
    sweep, runs = world.state.sweeps[1], copy(world.state.runs)
    steps = decide_in_steps(world.state, event, world.clock_reading)
    next(steps)
    assert world.state.sweeps[1] != sweep
    steps.close()
    assert world.state.sweeps[1] == sweep
    assert world.state.runs == runs
    world.restarts()  # compares the indexes with the stored state
    world.happens(event)
    assert world.state.sweeps[1].counts.ended == (0 if call == "retry" else MANY - 1)


def test_the_answer_names_all_runs(world: World) -> None:
    event = retry_all(world)
    *_, decision = steps_of(world, event)
    assert decision is not None
    assert isinstance(decision.answer, Retried)
    assert len(decision.answer.names) == MANY - 1
    assert world.state.sweeps[1].state is SweepState.RUNNING
    assert not any(run.state in FINAL_RUN for run in world.state.runs.values())


def test_a_sweep_that_begins_with_many_values_at_rungs_is_created_in_short_steps() -> None:
    world = World()
    document: dict[str, object] = {
        **RANDOM,
        **OBJECTIVE,
        "early_terminate": {"type": "median", "min_iter": 1},
    }
    assert VALUES_PER_STEP == 500
    curve = [1.0] * 1_505
    priors = prior_runs(document, [({"x": 0.25}, curve), ({"x": 0.5}, curve)])
    event = CreateSweep(
        parent=PARENT, id="s", drawn_ids=(), spec=a_spec(document), file=None, prior_runs=tuple(priors)
    )
    *pauses, decision = steps_of(world, event)
    assert len(pauses) == 7 + 5  # 3010 values are added, then those of 251 rungs at a time are sorted
    assert decision is not None
    world.state.undo_log.keep()
    world.changes += decision.changes
    rungs = world.state.index[1].rungs
    assert len(rungs) == len(curve)
    assert {(tuple(rung.costs), rung.prior) for rung in rungs.values()} == {((1.0, 1.0), 2)}
    world.restarts()
