"""Runs of a study: retried, outside the space, and exhausting a finite space."""

from dataclasses import replace
from itertools import product

import pytest

from suggestion_studies import SMALL, a_spec, a_trial, finished
from sweepd.spec.point import Point
from sweepd_suggestion.domain.objective import evidence
from sweepd_suggestion.domain.study import Ended, HandedOut, Outcome, RungReached, Study

POINT: Point = {"a": "x", "b": 1}
BRANCHES = {
    "kind": {"values": ["flat", "deep"]},
    "depth": {"min": 1, "max": 3, "when": "kind == 'deep'"},
    "width": {"values": [8, 16]},
}
FLAT: list[Point] = [{"kind": "flat", "width": width} for width in (8, 16)]
DEEP: list[Point] = [
    {"kind": "deep", "depth": depth, "width": width} for depth, width in product((1, 2, 3), (8, 16))
]


def values(study: Study) -> tuple[list[float], int]:
    """Return the losses that count and the number of pending points."""
    assert study.spec.metric is not None
    known = evidence(study.runs.values(), study.spec.metric)
    return [one.loss for one in known.valued], len(known.pending)


def test_a_reopened_run_has_no_end_until_it_ends_again_and_then_counts_once() -> None:
    """P16, and section 12: a failed run may be tried again."""
    study = Study(a_spec(SMALL))
    handed_out = HandedOut(run_number=1, point=POINT)
    rung = RungReached(run_number=1, iteration=1, value=9.0)
    study.observe(1, [handed_out, rung, Ended(run_number=1, outcome=Outcome.FAILED, worst=9.0), handed_out])
    assert values(study) == ([], 1)
    assert study.runs[1].rung_values == []
    study.observe(5, [finished(1, 2.0), finished(1, 2.0)])
    assert values(study) == ([2.0], 0)


def test_a_run_outside_the_space_is_counted_once_however_often_it_is_tried() -> None:
    study = Study(a_spec(SMALL))
    for _ in range(3):
        study.observe(study.known + 1, a_trial(1, {"a": "elsewhere", "b": 1}, 1.0))
    assert study.outside == 1
    assert study.points_before(2) == 0


def test_a_space_with_conditions_is_exhausted_when_its_active_points_are() -> None:
    """Section 19, `when`: a point is its active parameters."""
    study = Study(a_spec(BRANCHES))
    for number, point in enumerate([*FLAT, *DEEP], start=1):
        assert not study.exhausted
        study.observe(study.known + 1, a_trial(number, point, 1.0))
    assert study.outside == 0
    assert study.exhausted


def test_a_point_with_a_parameter_that_its_branch_lacks_lies_outside() -> None:
    study = Study(a_spec(BRANCHES))
    study.observe(1, a_trial(1, {"kind": "flat", "depth": 2, "width": 8}, 1.0))
    assert study.outside == 1
    assert values(study) == ([], 0)


@pytest.mark.parametrize(("names", "prime", "is_small"), [("pq", 3, True), ("pqrs", 47, False)])
def test_the_end_of_a_space_with_constraints_is_never_reported_too_early(
    names: str, prime: int, is_small: bool
) -> None:
    """Section 19, `constraints`. The combinations of the large space are not enumerated for counting."""
    parameters = {name: {"min": 1, "max": prime} for name in names}
    study = Study(replace(a_spec(parameters), constraints=(f"{' * '.join(names)} == {prime}",)))
    for number, large in enumerate(names, start=1):
        assert not study.exhausted
        point: Point = {name: prime if name == large else 1 for name in names}
        study.observe(study.known + 1, a_trial(number, point, 1.0))
    assert study.outside == 0
    assert study.exhausted == is_small


def test_repeated_observations_must_agree_with_the_known_ones() -> None:
    study = Study(a_spec(SMALL))
    history = [*a_trial(1, POINT, 1.0), *a_trial(2, {"a": "y", "b": 2}, 2.0)]
    study.observe(1, history)
    for first in range(1, 5):
        assert study.agrees(first, history[first - 1 :])
        assert study.agrees(first, history[first - 1 : first])
    assert study.agrees(4, [history[3], finished(1, 9.0)])  # the last observation is new
    assert study.agrees(5, [finished(1, 9.0)])
    assert not study.agrees(1, history[1:])
    assert not study.agrees(2, history[2:])
    assert not study.agrees(3, [history[2], finished(2, 9.0)])
