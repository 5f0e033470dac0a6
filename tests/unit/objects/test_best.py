"""How the best value came about, by the rules of the server."""

from __future__ import annotations

import pytest

from sweepd import v1
from sweepd.objects.best import best_so_far
from unit.objects.messages import a_run


def _spec(goal: v1.Goal.ValueType = v1.GOAL_MINIMIZE, **fields: object) -> v1.SweepSpec:
    return v1.SweepSpec(metric=v1.Metric(name="loss", goal=goal), **fields)  # type: ignore[arg-type]


def _shown(spec: v1.SweepSpec, *runs: v1.Run) -> list[tuple[int, float, float]]:
    return [(each.number, each.value, each.best) for each in best_so_far(spec, runs)]


def test_values_come_in_the_order_in_which_runs_ended() -> None:
    runs = a_run(1, 3.0, minute=9), a_run(2, 5.0, minute=1), a_run(3, 4.0, minute=5)
    assert _shown(_spec(), *runs) == [(2, 5.0, 5.0), (3, 4.0, 4.0), (1, 3.0, 3.0)]
    assert _shown(_spec(v1.GOAL_MAXIMIZE), *runs) == [(2, 5.0, 5.0), (3, 4.0, 5.0), (1, 3.0, 5.0)]


def test_a_run_without_a_value_is_left_out_and_a_live_one_comes_last() -> None:
    live = a_run(1, 1.0, state=v1.RUN_STATE_RUNNING)
    failed = a_run(2, 2.0, state=v1.RUN_STATE_FAILED, minute=3)
    assert _shown(_spec(), live, failed, a_run(3, minute=1)) == [(2, 2.0, 2.0), (1, 1.0, 1.0)]


def test_the_last_or_mean_value_of_a_live_run_does_not_count_yet() -> None:
    spec = _spec()
    spec.metric.value = v1.OBJECTIVE_VALUE_LAST
    assert _shown(spec, a_run(1, 1.0, state=v1.RUN_STATE_RUNNING), a_run(2, 2.0, minute=1)) == [(2, 2.0, 2.0)]


@pytest.mark.parametrize(
    ("aggregate", "goal", "value"),
    [
        (v1.AGGREGATE_UNSPECIFIED, v1.GOAL_MINIMIZE, 2.0),
        (v1.AGGREGATE_MEAN, v1.GOAL_MINIMIZE, 2.0),
        (v1.AGGREGATE_MEDIAN, v1.GOAL_MINIMIZE, 1.0),
        (v1.AGGREGATE_WORST, v1.GOAL_MINIMIZE, 4.0),
        (v1.AGGREGATE_WORST, v1.GOAL_MAXIMIZE, 1.0),
    ],
)
def test_with_repeats_a_point_counts_once(
    aggregate: v1.Aggregate.ValueType, goal: v1.Goal.ValueType, value: float
) -> None:
    runs = [
        a_run(4 + repeat, shown, minute=repeat, repeat=repeat) for repeat, shown in enumerate([1.0, 4.0, 1.0])
    ]
    assert _shown(_spec(goal, repeats=3, aggregate=aggregate), *runs) == [(4, value, value)]


def test_a_point_counts_once_all_of_its_runs_have_ended_and_none_failed() -> None:
    ended = a_run(1, 1.0, minute=1)
    spec = _spec(repeats=2)
    assert _shown(spec, ended) == []
    assert _shown(spec, ended, a_run(2, 1.0, state=v1.RUN_STATE_RUNNING, repeat=1)) == []
    assert _shown(spec, ended, a_run(2, 1.0, state=v1.RUN_STATE_FAILED, repeat=1, minute=2)) == []
    lost = a_run(2, 7.0, state=v1.RUN_STATE_CRASHED, repeat=1, minute=2)
    assert _shown(spec, ended, lost) == [(1, 1.0, 1.0)]
