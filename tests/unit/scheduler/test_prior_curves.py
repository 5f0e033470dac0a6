"""Curves as the metric store sends them: in parts, of several types, of several attempts."""

from collections.abc import Sequence
from math import inf, nan

import pytest

from sweepd import v1
from sweepd_scheduler.prior_curves import Curve


def doubles(rows: Sequence[int], values: Sequence[float]) -> v1.SeriesChunk:
    return v1.SeriesChunk(rows=rows, doubles=v1.DoubleValues(values=values))


def ints(rows: Sequence[int], values: Sequence[int]) -> v1.SeriesChunk:
    return v1.SeriesChunk(rows=rows, ints=v1.IntValues(values=values))


@pytest.mark.parametrize(
    ("parts", "curve"),
    [
        ([], []),
        ([(1, [doubles([1, 2], [0.5, 0.25])])], [0.5, 0.25]),
        ([(1, [doubles([1], [0.5])]), (1, [doubles([2, 4], [0.25, 0.125])])], [0.5, 0.25, 0.125]),
        ([(1, [doubles([1, 3, 5], [1.5, nan, 3.5]), ints([2, 4], [2, 3])])], [1.5, 2.0, 3.0, 3.5]),
        ([(2, [doubles([1], [0.25])]), (1, [doubles([1, 2], [inf, 0.5])])], [0.5, 0.25]),
        ([(1, [v1.SeriesChunk(rows=[1], bools=v1.BoolValues(values=[True]))])], []),
        ([(1, [v1.SeriesChunk(rows=[1], strings=v1.StringValues(values=["1"]))])], []),
    ],
)
def test_the_finite_numbers_of_a_run_come_in_the_order_in_which_it_logged_them(
    parts: list[tuple[int, list[v1.SeriesChunk]]], curve: list[float]
) -> None:
    found = Curve()
    for attempt, chunks in parts:
        found.add(v1.Series(run="r", attempt=attempt, key="loss", chunks=chunks))
    assert found.finite() == curve
