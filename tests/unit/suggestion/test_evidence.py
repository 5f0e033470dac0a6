"""The evidence is kept in step with each observation, and is what a walk through all runs would find."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from suggestion_studies import SMALL, a_spec
from sweepd.spec import Point, point_digest
from sweepd_suggestion.domain.evidence import evidence
from sweepd_suggestion.domain.observation import (
    Ended,
    HandedOut,
    Observation,
    Outcome,
    RungReached,
    ValueSoFar,
)
from sweepd_suggestion.domain.proposal import question
from sweepd_suggestion.domain.selection import selected
from sweepd_suggestion.domain.study import Study

NUMBERS = st.integers(1, 90)
VALUES = st.integers(-3, 3).map(float)
POINTS = st.sampled_from([{"a": "x", "b": 1}, {"a": "y", "b": 2}, {"a": "elsewhere", "b": 1}])
HANDED_OUT = st.builds(HandedOut, run_number=NUMBERS, point=POINTS)
MAYBE = st.none() | VALUES
SHOWN = st.one_of(
    st.builds(RungReached, run_number=NUMBERS, iteration=st.just(1), value=VALUES),
    st.builds(ValueSoFar, run_number=NUMBERS, value=MAYBE),
    st.builds(
        Ended,
        run_number=NUMBERS,
        outcome=st.sampled_from(Outcome),
        value=MAYBE,
        best=MAYBE,
        worst=MAYBE,
        last=MAYBE,
    ),
)
METRICS = st.fixed_dictionaries(
    {
        "goal": st.sampled_from(["minimize", "maximize"]),
        "impute": st.sampled_from(["worst", "best", "latest"]),
        "impute_while_running": st.sampled_from(["worst", "best", "latest", "false"]),
        "value": st.sampled_from(["best", "last", "mean"]),
    }
)


@given(METRICS, st.lists(HANDED_OUT | SHOWN, max_size=200))
def test_what_is_kept_is_what_all_runs_together_say(metric: dict[str, str], told: list[Observation]) -> None:
    study = Study(a_spec(SMALL, metric=metric))
    assert study.spec.metric is not None
    for each in told:
        if each.run_number not in study.runs and not isinstance(each, HandedOut):
            study.observe(study.known + 1, [HandedOut(run_number=each.run_number, point={"a": "x", "b": 1})])
        study.observe(study.known + 1, [each])
    known = study.ledger.evidence()
    assert known == evidence(study.runs.values(), study.spec.metric)
    assert study.ledger.newest == max(study.runs, default=None)
    for number in (1, 45, 91):
        before = [run for run in study.runs.values() if run.number < number and run.in_space]
        assert study.ledger.points_before(number) == len(before)
    assert study.ledger.evidence(most_pending=3).pending == known.pending[-3:]


@given(st.lists(st.tuples(VALUES, VALUES), min_size=8, max_size=60), st.integers(3, 7), st.randoms())
def test_the_selected_are_the_best_the_newest_and_some_by_lot(
    runs: list[tuple[float, float]], most: int, random: Random
) -> None:
    numbers = list(range(1, len(runs) + 1))
    random.shuffle(numbers)
    rows = [(number, loss, lot) for number, (loss, lot) in zip(numbers, runs, strict=True)]
    share = most // 3
    by_loss = sorted(rows, key=lambda row: (row[1], row[0]))
    newest = sorted(by_loss[share:], key=lambda row: -row[0])
    by_lot = sorted(newest[share:], key=lambda row: (row[2], row[0]))
    expected = sorted([*by_loss[:share], *newest[:share], *by_lot[: most - 2 * share]])
    all_numbers, losses, lots = (np.array(column) for column in zip(*rows, strict=True))
    found = selected(all_numbers, losses, lots, most)
    assert [rows[place] for place in found] == expected


def test_a_question_carries_every_point_that_was_handed_out_once() -> None:
    study = Study(a_spec(SMALL))
    points: list[Point] = [{"a": "x", "b": 1}, {"a": "y", "b": 2}, {"a": "x", "b": 1}]
    for number, point in enumerate(points, start=1):
        study.observe(study.known + 1, [HandedOut(run_number=number, point=point)])
    asked = question(study, 4, 1)
    assert asked.seen == study.seen == {point_digest(point) for point in points}
    assert len(asked.digests) == sum(map(len, asked.seen))
