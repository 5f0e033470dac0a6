"""History of the best value of a sweep."""

from __future__ import annotations

import pytest

from sweepd_scheduler.domain.runs.results import RunValue, progress
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.domain.transitions import RunState
from unit.scheduler.world import OBJECTIVE, RANDOM, World

LIVE = RunState.RUNNING


def a_sweep(goal: str = "minimize", value: str = "best", **keys: object) -> Sweep:
    metric = {"name": "loss", "goal": goal, "value": value}
    return World().create({**RANDOM, "metric": metric, **keys})


def a_run(
    number: int, value: float | None = None, minute: int = 0, *, state: str = "finished", repeat: int = 0
) -> RunValue:
    return RunValue(number, number - repeat, RunState(state), minute * 60_000_000, value)


def shown(sweep: Sweep, *runs: RunValue) -> list[tuple[int, float, float]]:
    return [(each.run, each.value, each.best) for each in progress(sweep, runs)]


def test_values_come_in_the_order_in_which_runs_ended() -> None:
    runs = a_run(1, 3.0, 9), a_run(2, 5.0, 1), a_run(3, 4.0, 5)
    assert shown(a_sweep(), *runs) == [(2, 5.0, 5.0), (3, 4.0, 4.0), (1, 3.0, 3.0)]
    assert shown(a_sweep("maximize"), *runs) == [(2, 5.0, 5.0), (3, 4.0, 5.0), (1, 3.0, 5.0)]


def test_a_run_without_a_value_is_left_out_and_a_live_one_comes_last() -> None:
    runs = a_run(1, 1.0, state="running"), a_run(2, 2.0, 3, state="failed"), a_run(3, None, 1)
    assert shown(a_sweep(), *runs) == [(2, 2.0, 2.0), (1, 1.0, 1.0)]
    assert [each.end_time for each in progress(a_sweep(), runs)] == [180_000_000, 0]


@pytest.mark.parametrize("value", ["last", "mean"])
def test_the_last_or_mean_value_of_a_live_run_does_not_count_yet(value: str) -> None:
    runs = a_run(1, 1.0, state="running"), a_run(2, 2.0, 1)
    assert shown(a_sweep(value=value), *runs) == [(2, 2.0, 2.0)]


@pytest.mark.parametrize(
    ("aggregate", "goal", "value"),
    [
        ("mean", "minimize", 2.0),
        ("median", "minimize", 1.0),
        ("worst", "minimize", 4.0),
        ("worst", "maximize", 1.0),
    ],
)
def test_with_repeats_a_point_counts_once(aggregate: str, goal: str, value: float) -> None:
    sweep = a_sweep(goal, repeats=3, aggregate=aggregate)
    runs = [a_run(4 + repeat, each, 3 - repeat, repeat=repeat) for repeat, each in enumerate([1.0, 4.0, 1.0])]
    assert shown(sweep, *runs) == [(4, value, value)]
    assert progress(sweep, runs)[0].end_time == 180_000_000


def test_a_point_counts_once_all_of_its_runs_have_ended_and_none_failed() -> None:
    sweep, ended = a_sweep(repeats=2), a_run(1, 1.0, 1)
    assert shown(sweep, ended, a_run(2, 1.0, state="running", repeat=1)) == []
    assert shown(sweep, ended, a_run(2, 1.0, 2, state="failed", repeat=1)) == []
    assert shown(sweep, ended, a_run(2, 7.0, 2, state="crashed", repeat=1)) == [(1, 1.0, 1.0)]


@pytest.mark.parametrize("repeats", [1, 2])
@pytest.mark.parametrize("value", ["best", "last"])
def test_the_history_ends_with_the_best_value_of_the_sweep(repeats: int, value: str) -> None:
    world = World()
    metric = {"metric": {"name": "loss", "value": value}}
    world.create({**RANDOM, **OBJECTIVE, **metric, "repeats": repeats, "run_cap": 6})
    session = world.attach(slots=6)
    starts = world.offer(session, 6)
    for number, start in enumerate(starts):
        world.confirms(session, start)
        world.passes(1.0, silent=False)
        world.logs(session, start.ref, 1, float(-number), 3.0 - number % 4)
        code = 1 if number == 5 else 0
        world.exits(session, start.ref, Exit(cause=ExitCause.EXITED, code=code), last_row=2)
        sweep, store = world.sweep(), world.everything()
        found = progress(sweep, store.run_values(sweep))
        assert [each.best for each in found[-1:]] == ([sweep.best.value] if sweep.best else [])
    assert world.sweep().best is not None
