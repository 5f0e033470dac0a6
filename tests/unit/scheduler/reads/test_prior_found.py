"""Memory for prior runs while they are collected: bounded, however many a project has."""

import pytest

from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler.domain.transitions import RunState
from sweepd_scheduler.reads import prior_found
from sweepd_scheduler.reads.prior_found import MAX_REASONS, Filter, FoundRuns, PriorRunCollector
from unit.scheduler.prior import an_old_run
from unit.scheduler.world import OBJECTIVE, a_spec

SPEC = a_spec(
    {
        "method": "random",
        "parameters": {"a": {"min": 1, "max": 9_999}},
        "early_terminate": {"type": "median", "min_iter": 1},
        **OBJECTIVE,
    }
)


def test_the_first_unsuitable_runs_are_reported_and_all_are_counted() -> None:
    found = FoundRuns(SPEC)
    running = [an_old_run({"a": n}, n, state=RunState.RUNNING) for n in range(1, MAX_REASONS + 101)]
    assert found.judge(running, None) == []
    assert (len(found.unsuitable), found.left_out) == (MAX_REASONS, MAX_REASONS + 100)
    assert found.unsuitable[0] == ("local/demo/old-1", "it has not ended: it is running")


def test_a_run_that_is_named_and_found_in_its_sweep_or_project_counts_once() -> None:
    found = FoundRuns(SPEC)
    good, bad = an_old_run({"a": 1}, 1), an_old_run({"a": 2}, 2, state=RunState.RUNNING)
    found.judge([good, bad, good], None, named=True)
    found.judge([good, bad, an_old_run({"a": 3}, 3)], None)
    assert [each.run.point["a"] for each in found.candidates] == [1, 3]
    assert found.left_out == 1


def test_more_prior_runs_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prior_found, "MAX_RUNS", 2)
    found = FoundRuns(SPEC)
    with pytest.raises(InvalidFieldError, match="at most 2 prior runs"):
        found.judge([an_old_run({"a": n}, n) for n in (1, 2, 3)], None)


def test_runs_are_indexed_without_gaps_and_only_required_parts_of_curves_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prior_found, "MAX_RUNG_VALUES", 3)
    found = FoundRuns(SPEC)
    found.judge([an_old_run({"a": 1}, 1)], None, named=True)
    found.judge([an_old_run({"a": n}, n) for n in (2, 3, 4, 5)], None)
    taken = PriorRunCollector(found, Filter(max_value=1.0))
    curves = [
        [2.0, 2.0],  # it was named, so the filter does not apply
        [],  # a filter by value does not match it
        [2.0, 2.0],
        [0.5, 0.5],
        [0.5],
    ]
    outcomes = [taken.judge(each, curve) for each, curve in zip(found.candidates, curves, strict=True)]
    for each, outcome in zip(found.candidates, outcomes, strict=True):
        taken.add(each, outcome)
    kept = [(prior.index, prior.point["a"], prior.rungs) for prior in taken.runs]
    assert kept == [(1, 1, ((0, 1, 2.0), (0, 2, 2.0))), (2, 4, ()), (3, 5, ((0, 1, 0.5),))]
    assert (taken.without_curve, found.left_out) == (1, 0)
