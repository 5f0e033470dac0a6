"""Asynchronous successive halving, compared with manual calculations and with a full count."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.stop_rules import Asha
from sweepd.spec.sweep_spec import Goal
from sweepd_scheduler.domain.runs.early_termination import Rung, Verdict, cost, judge_asha

VALUES = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=40)


def arrive(rule: Asha, goal: Goal, values: list[float]) -> list[Verdict | None]:
    """Let runs 1, 2, ... arrive at the first rung with their values; return their verdicts."""
    rung, verdicts = Rung(), []
    for run, value in enumerate(values, start=1):
        rung.put(run, cost(value, goal))
        verdicts.append(judge_asha(rule, goal, rule.min_iter, rung, run, now=42))
    return verdicts


@pytest.mark.parametrize(
    ("eta", "values", "stopped"),
    [
        # n:         1    2    3    4    5    6    7    8    9
        # floor(n/3) 1    1    1    1    1    2    2    2    3
        (3, [0.50, 0.60, 0.40, 0.45, 0.40, 0.30, 0.39, 0.41, 0.40], {2, 4, 8}),
        # floor(n/2) 1    1    1    2    2    3
        (2, [0.9, 0.8, 0.85, 0.85, 0.84, 0.86], {3, 6}),
        (10, [1.0, 2.0, 0.5, 0.5], {2}),
        # floor(n/1.5) 1  1    2    2    3    4
        (1.5, [0.1, 0.2, 0.2, 0.3, 0.2, 0.3], {2, 4, 6}),
    ],
)
def test_the_best_n_over_eta_runs_continue_and_at_least_one(
    eta: float, values: list[float], stopped: set[int]
) -> None:
    verdicts = arrive(Asha(min_iter=1, eta=eta), Goal.MINIMIZE, values)
    assert {run for run, verdict in enumerate(verdicts, start=1) if verdict} == stopped


def test_a_verdict_records_what_was_compared() -> None:
    verdict = arrive(Asha(min_iter=4, eta=2), Goal.MAXIMIZE, [0.7, 0.9, 0.8, 0.6])[-1]
    assert verdict == Verdict(
        rule="asha", rung=4, value=0.6, threshold=0.8, rank=4, compared=4, decide_time=42
    )


def test_the_first_to_arrive_continues() -> None:
    assert arrive(Asha(min_iter=1), Goal.MINIMIZE, [1e300]) == [None]


@given(
    values=VALUES,
    eta=st.fractions(Fraction(3, 2), 5, max_denominator=2),
    goal=st.sampled_from(Goal),
)
def test_it_agrees_with_a_full_count(values: list[float], eta: Fraction, goal: Goal) -> None:
    verdicts = arrive(Asha(min_iter=1, eta=float(eta)), goal, values)
    for n, verdict in enumerate(verdicts, start=1):
        arrived, own = values[:n], values[n - 1]
        better = sum(each < own if goal is Goal.MINIMIZE else each > own for each in arrived)
        places = max(1, n // eta)
        assert (verdict is None) == (better < places)
        if verdict is not None:
            assert (verdict.value, verdict.rank, verdict.compared) == (own, better + 1, n)
            best_first = sorted(arrived, reverse=goal is Goal.MAXIMIZE)
            assert verdict.threshold == best_first[places - 1]
