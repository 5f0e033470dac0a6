"""Thinned series keep what is visible in a plot."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd_metric_store.domain.batch import Kind, Spine, Stretch, Value, Values
from sweepd_metric_store.domain.view import thinned


def stretches(values: Values, size: int, kind: Kind = Kind.DOUBLE) -> list[Stretch]:
    whole = Stretch(
        kind=kind,
        spine=Spine(
            rows=range(1, len(values) + 1),
            steps=range(len(values)),
            times=[float(at) for at in range(len(values))],
        ),
        values=values,
    )
    return [whole.part(at, at + size) for at in range(0, len(values), size)]


def kept(values: Values, max_points: int, size: int = 7, kind: Kind = Kind.DOUBLE) -> dict[int, Value]:
    found: list[tuple[int, Value]] = []
    for stretch in thinned(stretches(values, size, kind), total=len(values), max_points=max_points):
        found += zip(stretch.spine.rows, stretch.values, strict=True)
    by_row = dict(found)
    assert [row for row, _ in found] == sorted(by_row)
    return by_row


def test_a_spike_survives_thinning() -> None:
    values = [0.0] * 10_000
    values[4_321] = 9.0
    assert kept(values, 50)[4_322] == 9.0


def test_a_nan_is_kept_and_hides_no_extreme() -> None:
    values = [float(at) for at in range(1_000)]
    values[500] = math.nan
    found = kept(values, 20)
    assert math.isnan(float(found[501]))
    assert {found[1], found[1_000]} == {0.0, 999.0}


@pytest.mark.parametrize("odd", [math.inf, math.nan])
def test_non_finite_values_hide_no_extreme_beside_them(odd: float) -> None:
    values = [0.0] * 100
    values[48:51] = odd, 5.0, -5.0
    found = kept(values, 5)
    assert (repr(found[49]), found[50], found[51]) == (repr(odd), 5.0, -5.0)


def test_a_short_series_is_not_thinned() -> None:
    assert len(kept([1.0, 2.0, 3.0], 3)) == 3


WAVES = [0.0, 1.0, -1.0, 0.0] * 25


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_two_points_are_kept_of_each_bucket_and_both_ends_however_they_are_stored(size: int) -> None:
    assert len(kept(WAVES, 10, size)) == 10


def test_however_few_points_are_wanted_extremes_and_ends_are_kept() -> None:
    for wanted in (1, 2, 3, 5):
        assert list(kept(WAVES, wanted)) == [1, 2, 3, 100]


class Reading(float):
    """A value that counts its live instances."""

    alive = 0

    def __init__(self, _: float) -> None:
        Reading.alive += 1

    def __del__(self) -> None:
        Reading.alive -= 1


def test_a_long_series_is_thinned_without_holding_all_of_it_in_memory() -> None:
    def arriving() -> Iterator[Stretch]:
        for first in range(0, 2_000, 20):
            assert Reading.alive <= 100 + 20 + 2 * first // 100 + 1
            rows = range(first, first + 20)
            values = [Reading(row) for row in rows]
            yield Stretch(kind=Kind.DOUBLE, spine=Spine(rows=rows, steps=rows, times=rows), values=values)
            del values

    assert sum(len(stretch) for stretch in thinned(arriving(), total=2_000, max_points=42)) == 40


def test_texts_keep_the_ends_of_each_bucket() -> None:
    found = kept([str(at) for at in range(100)], 10, kind=Kind.STRING)
    assert found[1] == "0"
    assert found[100] == "99"
    assert len(found) <= 12


def test_a_million_points_are_thinned_to_the_requested_number() -> None:
    values = [math.sin(at / 1_000) for at in range(100_000)]
    assert 500 < len(kept(values, 1_000, size=700)) <= 1_002


@given(
    st.lists(st.floats(), min_size=1, max_size=300),
    st.integers(1, 60),
    st.integers(1, 50),
)
def test_extremes_ends_and_size_hold_for_any_series(values: list[float], max_points: int, size: int) -> None:
    found = kept(values, max_points, size)
    numbers = [value for value in values if math.isfinite(value)]
    shown = [float(value) for value in found.values() if math.isfinite(float(value))]
    assert min(shown, default=None) == min(numbers, default=None)
    assert max(shown, default=None) == max(numbers, default=None)
    assert {1, len(values)} <= set(found)
    assert all(repr(values[row - 1]) == repr(value) for row, value in found.items())
    odd = sum(not math.isfinite(value) for value in values)
    assert len(found) <= max(2, max_points) + 2 + odd
