"""Newer attempts replace what older ones logged."""

from __future__ import annotations

from sweepd_metric_store.domain.batch import Kind, Spine, Stretch
from sweepd_metric_store.domain.view import EVERYTHING, NOTHING, Attempt, last_visible_steps, windowed


def attempts(*resumed: int | None) -> list[Attempt]:
    return [Attempt(number=at, resumed_from_step=step) for at, step in enumerate(resumed, start=1)]


def test_a_single_attempt_is_shown_in_full() -> None:
    assert last_visible_steps(attempts(None)) == {1: EVERYTHING}


def test_an_attempt_that_started_over_hides_all_older_ones() -> None:
    assert last_visible_steps(attempts(None, 5, None)) == {1: NOTHING, 2: NOTHING, 3: EVERYTHING}


def test_a_resumed_attempt_keeps_the_rows_before_its_checkpoint() -> None:
    assert last_visible_steps(attempts(None, 40)) == {1: 40, 2: EVERYTHING}


def test_a_later_attempt_that_resumed_earlier_replaces_more() -> None:
    assert last_visible_steps(attempts(None, 40, 10)) == {1: 10, 2: 10, 3: EVERYTHING}


def test_a_window_selects_by_rows_and_by_step() -> None:
    spine = Spine(rows=[1, 2, 3, 4], steps=[10, 20, 10, 20], times=[0.0, 0.0, 0.0, 0.0])
    stretch = Stretch(kind=Kind.INT, spine=spine, values=[1, 2, 3, 4])
    assert windowed(stretch, first_row=2, last_row=4, last_step=10).values == [3]
    assert windowed(stretch, first_row=2, last_row=3, last_step=20).values == [2, 3]
    assert windowed(stretch, first_row=1, last_row=9) is stretch
