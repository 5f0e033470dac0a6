"""Observations of studies: numbered, repeated, forgotten, contradicted."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggestion_studies import SMALL, a_spec, a_trial, finished
from sweepd.spec.point import Point
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_kernel.errors import InvalidFieldError
from sweepd_suggestion.domain.study import Observation
from sweepd_suggestion.studies import CachedStudy, ResendFrom, Studies, StudyUpdate

SPEC = a_spec(SMALL)
LOG = logging.getLogger("test")
KEY = ("local/p/s", 1)
POINTS: list[Point] = [{"a": a, "b": b} for a in "xyz" for b in (1, 2)]
HISTORY: list[Observation] = [
    observation
    for number, point in enumerate(POINTS, start=1)
    for observation in a_trial(number, point, float(number))
]


def study_update(
    first: int, last: int, *, spec: SweepSpec | None = None, key: tuple[str, int] = KEY
) -> StudyUpdate:
    """Observations `first` to `last` of the history; the specification comes with the first."""
    from_start = SPEC if first == 1 else None
    return StudyUpdate(key=key, spec=spec or from_start, first=first, observations=HISTORY[first - 1 : last])


def known(answer: CachedStudy | ResendFrom) -> int:
    assert isinstance(answer, CachedStudy)
    return answer.study.known


def test_a_repeated_observation_counts_once() -> None:
    studies = Studies(LOG)
    assert known(studies.update(study_update(1, 4))) == 4
    assert known(studies.update(study_update(3, 6))) == 6
    assert known(studies.update(study_update(1, 2))) == 6


def test_a_gap_is_answered_with_the_number_to_resend_from() -> None:
    studies = Studies(LOG)
    assert studies.update(study_update(3, 4)) == ResendFrom(1)
    studies.update(study_update(1, 2))
    assert studies.update(study_update(5, 6)) == ResendFrom(3)


@given(batches=st.lists(st.tuples(st.integers(1, 13), st.integers(0, 5)), max_size=30))
def test_batches_in_any_order_give_the_same_study(batches: list[tuple[int, int]]) -> None:
    studies = Studies(LOG)
    studies.update(study_update(1, 0))
    for first, length in batches:
        answer = studies.update(study_update(first, first + length - 1))
        if isinstance(answer, ResendFrom):
            answer = studies.update(study_update(answer.number, first + length - 1))
        assert isinstance(answer, CachedStudy)
    whole = studies.update(study_update(1, len(HISTORY)))
    assert isinstance(whole, CachedStudy)
    assert [run.end for run in whole.study.runs.values()] == [finished(n, float(n)) for n in range(1, 7)]


def test_another_sweep_of_the_same_name_starts_anew() -> None:
    studies = Studies(LOG)
    studies.update(study_update(1, 6))
    assert known(studies.update(study_update(1, 2, spec=a_spec(SMALL, seed=2)))) == 2


def test_a_caller_with_an_older_history_is_asked_to_resend_everything() -> None:
    studies = Studies(LOG)
    studies.update(study_update(1, 6))
    other = StudyUpdate(key=KEY, spec=None, first=5, observations=a_trial(3, POINTS[5], 9.0))
    assert studies.update(other) == ResendFrom(1)
    assert studies.update(study_update(7, 8)) == ResendFrom(1)


def test_only_the_most_recently_used_studies_are_kept() -> None:
    studies = Studies(LOG, max_studies=2)
    for name in ("a", "b", "c"):
        studies.update(study_update(1, 2, key=(name, 1)))
    assert studies.update(study_update(3, 4, key=("a", 1))) == ResendFrom(1)
    assert known(studies.update(study_update(3, 4, key=("c", 1)))) == 4


def test_the_number_of_observations_is_bounded_too() -> None:
    studies = Studies(LOG, max_observations=5)
    studies.update(study_update(1, 4, key=("a", 1)))
    studies.update(study_update(1, 4, key=("b", 1)))
    assert studies.update(study_update(5, 6, key=("a", 1))) == ResendFrom(1)


def test_the_end_of_a_run_that_was_never_handed_out_is_refused_and_earlier_observations_are_kept() -> None:
    studies = Studies(LOG)
    bad = StudyUpdate(key=KEY, spec=SPEC, first=1, observations=[*HISTORY[:2], finished(9, 1.0)])
    with pytest.raises(InvalidFieldError, match=r"observations\[2\]"):
        studies.update(bad)


def test_a_run_outside_the_space_causes_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    studies = Studies(LOG)
    outside = StudyUpdate(key=KEY, spec=SPEC, first=1, observations=a_trial(1, {"a": "w", "b": 1}, 1.0))
    assert known(studies.update(outside)) == 2
    studies.update(outside)
    assert [record.message for record in caplog.records] == [
        "runs outside the search space are ignored by the search"
    ]


def test_a_study_starts_with_its_specification() -> None:
    with pytest.raises(InvalidFieldError, match="spec"):
        Studies(LOG).update(StudyUpdate(key=KEY, spec=None, first=1, observations=[]))
