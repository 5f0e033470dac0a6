"""Summaries agree with the history, whatever its values and however it was cut."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd_metric_store.domain.batch import Kind, Spine, Stretch, Values
from sweepd_metric_store.domain.summary import Summary, extended


def a_stretch(values: Values, kind: Kind = Kind.DOUBLE, first_row: int = 1) -> Stretch:
    rows = range(first_row, first_row + len(values))
    return Stretch(
        kind=kind,
        spine=Spine(rows=rows, steps=[row * 2 for row in rows], times=[0.0] * len(values)),
        values=values,
    )


def test_non_finite_values_are_counted_and_never_best() -> None:
    summary = extended(None, a_stretch([math.nan, 2.0, math.inf, -math.inf, 4.0]))
    assert (summary.count, summary.non_finite_count, summary.minimum, summary.maximum) == (5, 3, 2.0, 4.0)
    assert summary.mean == 3.0
    assert math.isnan(float(summary.first))


def test_a_series_without_finite_values_has_no_best() -> None:
    summary = extended(None, a_stretch([math.nan]))
    assert (summary.minimum, summary.maximum, summary.mean) == (None, None, None)


def test_booleans_and_texts_are_counted_only() -> None:
    summary = extended(
        extended(None, a_stretch([True], Kind.BOOL)), a_stretch(["x"], Kind.STRING, first_row=2)
    )
    assert (summary.count, summary.number_count, summary.first, summary.last) == (2, 0, True, "x")


def test_the_last_value_is_the_one_of_the_highest_row() -> None:
    ints = Stretch(
        kind=Kind.INT, spine=Spine(rows=[1, 9], steps=[1, 9], times=[0.0, 0.0]), values=[1, 2**62 + 1]
    )
    summary = extended(extended(None, ints), a_stretch([0.5], first_row=5))
    assert (summary.last, summary.last_step, summary.last_row) == (2**62 + 1, 9, 9)


@pytest.mark.parametrize("values", [[1.7e308, 1.7e308], [1.7e308, -1.7e308]])
def test_huge_values_do_not_overflow_the_mean(values: list[float]) -> None:
    whole = extended(None, a_stretch(values))
    parts = extended(extended(None, a_stretch(values[:1])), a_stretch(values[1:], first_row=2))
    for summary in (whole, parts):
        assert summary.non_finite_count == 0
        assert summary.mean == pytest.approx(values[0] / 2 + values[1] / 2)


@given(st.lists(st.lists(st.floats(), min_size=1, max_size=8), min_size=1, max_size=8))
def test_the_summary_of_pieces_equals_that_of_the_full_series(pieces: list[list[float]]) -> None:
    summary: Summary | None = None
    row = 1
    for values in pieces:
        summary = extended(summary, a_stretch(values, first_row=row))
        row += len(values)
    assert summary is not None
    everything = [value for values in pieces for value in values]
    finite = [value for value in everything if math.isfinite(value)]
    assert summary.count == len(everything)
    assert summary.non_finite_count == len(everything) - len(finite)
    assert summary.minimum == min(finite, default=None)
    assert summary.maximum == max(finite, default=None)
    assert repr(summary.last) == repr(everything[-1])
    if finite:
        mean = math.fsum(value / len(finite) for value in finite)
        assert summary.mean == pytest.approx(mean, rel=1e-6, abs=max(map(abs, finite)) * 1e-9)
