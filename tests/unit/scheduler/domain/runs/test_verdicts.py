"""Verdicts of each early-termination rule as values arrive; restarts change nothing."""

import pytest

from sweepd_scheduler.domain.effects import RungReached, StartRun
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.search.study import StudyEvent, StudyObservation
from sweepd_scheduler.domain.transitions import RunState, SweepState
from unit.scheduler.world import OBJECTIVE, RANDOM, World

COMMANDED = Exit(cause=ExitCause.COMMANDED, signal=15)
MAXIMIZED = {"metric": {"name": "acc", "goal": "maximize"}}
ScriptDetails = dict[int, tuple[str, int, float, float]]


def asha(**keys: object) -> dict[str, object]:
    return {"type": "asha", **keys}


@pytest.fixture
def world() -> World:
    return World()


def running_world(world: World, count: int, *rules: object, **document: object) -> tuple[str, list[StartRun]]:
    """Create a sweep and start some runs of it."""
    world.create({**RANDOM, **OBJECTIVE, "early_terminate": list(rules), **document})
    session = world.attach(slots=count)
    starts = world.offer(session, count)
    for start in starts:
        world.confirms(session, start)
    return session, starts


def stopped(world: World) -> ScriptDetails:
    """Return the details of the stop: rule, iteration, value, threshold."""
    return {
        run.number: (verdict.rule, verdict.rung, verdict.value, verdict.threshold)
        for run in world.state.runs.values()
        for verdict in run.verdicts
    }


def reason_of(world: World, number: int) -> str:
    stop = world.run((1, number)).stop
    assert stop is not None
    return stop.reason


def test_asha_judges_only_the_run_that_arrives(world: World) -> None:
    session, starts = running_world(world, 3, asha(min_iter=2, eta=3))
    world.logs(session, starts[0].ref, 1, 0.1, 0.9)  # the first at the rung, however bad
    world.logs(session, starts[1].ref, 1, 0.9, 0.5)  # better: the first run continues nevertheless
    world.logs(session, starts[2].ref, 1, 0.1, 0.7)
    assert stopped(world) == {3: ("asha", 2, 0.7, 0.5)}
    reason = "early termination (asha): 0.7 at iteration 2 is worse than 0.5; rank 2 of 3"
    assert reason_of(world, 3) == reason


def test_median_compares_with_the_best_values_of_all_runs_at_the_iteration(world: World) -> None:
    rule = {"type": "median", "min_iter": 2, "min_runs": 3}
    session, starts = running_world(world, 5, rule)
    for start, value in zip(starts[:3], (0.2, 0.4, 0.6), strict=True):
        world.logs(session, start.ref, 1, value, 9.0)
    world.exits(session, starts[0].ref, last_row=2)  # ended runs still count
    world.logs(session, starts[3].ref, 1, 0.3, 8.0)
    assert stopped(world) == {}
    world.logs(session, starts[4].ref, 1, 0.36, 9.0)
    assert stopped(world) == {5: ("median", 2, 0.36, 0.35)}
    assert reason_of(world, 5) == (
        "early termination (median): 0.36 at iteration 2 is worse than 0.35, the median of 4 other runs"
    )


def test_median_is_judged_at_intervals(world: World) -> None:
    rule = {"type": "median", "min_iter": 1, "interval": 3, "min_runs": 1}
    session, starts = running_world(world, 2, rule)
    world.logs(session, starts[0].ref, 1, *(0.5, 0.4, 0.3, 0.2))
    world.logs(session, starts[1].ref, 1, *(0.5, 0.5, 0.5))
    assert stopped(world) == {}
    world.logs(session, starts[1].ref, 4, 0.5)
    assert stopped(world) == {2: ("median", 4, 0.5, 0.2)}
    rungs = {(each.rung, each.run) for each in world.changes if isinstance(each, RungReached)}
    assert rungs == {(1, 1), (4, 1), (1, 2), (4, 2)}


def test_patience_counts_on_across_restarts(world: World) -> None:
    session, (start,) = running_world(world, 1, {"type": "patience", "iterations": 3, "min_delta": 0.1})
    world.logs(session, start.ref, 1, 0.9, 0.5, 0.45)
    world.restarts()
    assert world.state.runs[(1, 1)].stopping == world.run((1, 1)).stopping
    session = world.attach(attempts=(world.held((1, 1), start.ref),))
    world.logs(session, start.ref, 4, 0.45)
    assert stopped(world) == {}
    world.logs(session, start.ref, 5, 0.43)
    assert stopped(world) == {1: ("patience", 5, 0.43, 0.4)}
    assert reason_of(world, 1) == (
        "early termination (patience): its best, 0.43, has not improved by more than 0.1 for 3 iterations"
    )


def test_patience_is_counted_anew_for_a_new_attempt(world: World) -> None:
    session, (start,) = running_world(world, 1, {"type": "patience", "iterations": 2})
    world.logs(session, start.ref, 1, 0.5, 0.5)
    world.exits(session, start.ref, Exit(cause=ExitCause.HANDED_BACK), last_row=2)
    again = world.takes_one(session)
    world.logs(session, again.ref, 1, 0.9, 0.9)
    assert stopped(world) == {}
    world.logs(session, again.ref, 3, 0.9)
    assert stopped(world) == {1: ("patience", 3, 0.9, 0.9)}
    assert reason_of(world, 1).endswith("has not improved for 2 iterations")


def test_values_of_an_earlier_attempt_count_until_the_next_begins(world: World) -> None:
    session, starts = running_world(world, 3, asha(min_iter=2), retry={"failure": 1})
    world.logs(session, starts[0].ref, 1, 0.9, 0.1)
    world.exits(session, starts[0].ref, Exit(cause=ExitCause.EXITED, code=1), last_row=2)
    assert world.run((1, 1)).state is RunState.PENDING
    world.logs(session, starts[1].ref, 1, 0.9, 0.5)
    assert stopped(world) == {2: ("asha", 2, 0.5, 0.1)}
    world.takes_one(session)
    assert world.run((1, 1)).attempt == 2
    assert world.state.index[1].rungs[(0, 2)].by_run == {2: 0.5}
    world.restarts()
    assert world.state.index[1].rungs[(0, 2)].by_run == {2: 0.5}
    session = world.attach(slots=3, attempts=(world.held((1, 3), starts[2].ref),))
    world.logs(session, starts[2].ref, 1, 0.9, 0.4)
    assert set(stopped(world)) == {2}, "0.1 no longer counts, so 0.4 is the best"


def test_a_run_that_is_lost_after_its_verdict_is_stopped_and_not_handed_out_again(world: World) -> None:
    session, (start,) = running_world(world, 1, {"type": "threshold", "at": 1, "value": 0.5})
    world.logs(session, start.ref, 1, 0.9)
    world.leaves(session)
    world.passes(world.state.timeouts.lost_after + 1)
    ended = world.run((1, 1))
    assert (ended.state, ended.attempt, ended.requeues) == (RunState.STOPPED, 1, 0)
    assert ended.reason == "early termination (threshold): 0.9 at iteration 1 is worse than 0.5"
    assert world.takes_one(world.attach("bob")).run.number == 2


def test_stopped_runs_count_for_the_cap_and_are_not_failures(world: World) -> None:
    """Neither the guard nor the retries treat them as failures."""
    rule = {"type": "threshold", "at": 1, "value": 0.5}
    timeouts = {"run_cap": 7, "guard": {"agent": 1, "sweep": 0.1}, "retry": {"failure": 3}}
    session, starts = running_world(world, 1, rule, **timeouts)
    for number in range(1, 8):
        (start,) = starts
        assert (start.run.number, start.ref.attempt) == (number, 1)
        world.logs(session, start.ref, 1, 0.9)
        world.exits(session, start.ref, COMMANDED, last_row=1)
        starts = world.offer(session)
        for each in starts:
            world.confirms(session, each)
    sweep = world.sweep()
    assert (sweep.state, starts) == (SweepState.FINISHED, [])
    assert (sweep.counts.of(RunState.STOPPED), sweep.counts.total) == (7, 7)


def test_a_threshold_is_compared_at_one_iteration(world: World) -> None:
    session, starts = running_world(world, 2, {"type": "threshold", "at": 2, "value": 0.5}, **MAXIMIZED)
    world.logs(session, starts[0].ref, 1, 0.1, 0.5)
    world.logs(session, starts[1].ref, 1, 0.9, 0.4)
    assert stopped(world) == {2: ("threshold", 2, 0.4, 0.5)}
    assert reason_of(world, 2) == "early termination (threshold): 0.4 at iteration 2 is worse than 0.5"


def test_the_first_of_several_rules_stops_the_run_and_the_others_record_their_values(world: World) -> None:
    threshold = {"type": "threshold", "at": 2, "value": 0.8}
    session, starts = running_world(world, 3, asha(min_iter=2), threshold, asha(min_iter=2, eta=2))
    world.logs(session, starts[0].ref, 1, 0.9, 0.3)
    world.logs(session, starts[1].ref, 1, 0.9, 0.9)
    assert stopped(world) == {2: ("asha", 2, 0.9, 0.3)}
    assert len(world.stops()) == 1
    rungs = {(each.rule, each.rung, each.run) for each in world.changes if isinstance(each, RungReached)}
    assert rungs == {(0, 2, 1), (2, 2, 1), (0, 2, 2), (2, 2, 2)}
    world.exits(session, starts[1].ref, COMMANDED, last_row=2)
    ended = world.run((1, 2))
    assert ended.state is RunState.STOPPED
    assert ended.reason.startswith("early termination (asha): 0.9 at iteration 2")


def test_two_hyperband_rules_have_separate_rungs(world: World) -> None:
    rules = ({"type": "hyperband", "min_iter": 1, "eta": 2}, {"type": "hyperband", "min_iter": 3, "eta": 2})
    session, starts = running_world(world, 2, *rules)
    world.logs(session, starts[0].ref, 1, 0.5, 0.4, 0.3)
    held = {key: runs for key, runs in world.state.index[1].at_rung.items() if runs}
    assert held == {(0, 2): {1}, (1, 3): {1}}
    world.restarts()
    assert world.state.index[1].at_rung == held


def test_rungs_are_the_same_after_a_restart(world: World) -> None:
    rules = (asha(min_iter=1), {"type": "median", "min_iter": 1, "min_runs": 2})
    session, starts = running_world(world, 3, *rules, **MAXIMIZED)
    for start, value in zip(starts, (0.2, 0.4, 0.6), strict=True):
        world.logs(session, start.ref, 1, value)
    before = world.state.index[1].rungs
    world.restarts()
    assert world.state.index[1].rungs == before
    assert before[(1, 1)].costs == [-0.6, -0.4, -0.2]


def test_values_that_arrive_together_are_judged_one_by_one(world: World) -> None:
    session, (start,) = running_world(world, 1, {"type": "threshold", "at": 2, "value": 0.5})
    world.logs(session, start.ref, 1, 0.9, float("nan"), 0.6, 0.1)
    assert stopped(world) == {1: ("threshold", 2, 0.6, 0.5)}
    assert world.run((1, 1)).values.iterations == 3


def test_the_search_is_notified_only_of_rungs_of_halving_rules(world: World) -> None:
    rules = (asha(min_iter=2), {"type": "hyperband", "min_iter": 2}, {"type": "median", "min_iter": 1})
    world.create({**RANDOM, **OBJECTIVE, "method": "bayes", "early_terminate": list(rules)})
    session = world.attach()
    world.offer(session)
    world.passes(1.0)
    world.logs(session, world.last_sent(StartRun).ref, 1, 0.5, 0.4, 0.3)
    notes = [each for each in world.changes if isinstance(each, StudyObservation)]
    assert [(each.event, each.iterations, each.value) for each in notes[1:]] == [
        (StudyEvent.RUNG_REACHED, 2, 0.4)
    ]


def test_the_iterations_that_a_rule_compares_are_reported_urgently(world: World) -> None:
    _, (start,) = running_world(world, 1, asha(min_iter=3), {"type": "threshold", "at": 5, "value": 0.1})
    assert start.sweep.rungs[:4] == (3, 5, 9, 27)
