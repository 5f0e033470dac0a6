"""Curves as the metric store sends them: in parts, of several types, of several attempts."""

from collections.abc import Mapping, Sequence
from math import inf, nan

import pytest

from sweepd import v1
from sweepd_scheduler.reads.prior_curves import Curve, Histories, WantedKey


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
    assert list(found.finite()) == curve


def page(*series: tuple[str, str, Sequence[float]]) -> v1.GetHistoryResponse:
    return v1.GetHistoryResponse(
        series=[
            v1.Series(run=run, attempt=1, key=key, chunks=[doubles(range(1, len(values) + 1), values)])
            for run, key, values in series
        ]
    )


def test_a_history_is_returned_as_soon_as_that_of_the_next_run_begins() -> None:
    made: list[tuple[int, list[float]]] = []

    def make(place: int, curve: Sequence[float]) -> str:
        made.append((place, list(curve)))
        return f"run {place}"

    places = {"none": 3, "second": 4, "first": 5}
    histories = Histories(places, WantedKey("loss"), make)
    histories.take(page(("first", "loss", [2.0, 1.0])))
    assert made == [], "its history may continue in the next page"
    histories.take(page(("second", "loss", [4.0])))
    assert made == [(5, [2.0, 1.0])]
    assert histories.finish() == ["run 3", "run 4", "run 5"]
    assert made[1:] == [(4, [4.0]), (3, [])]


@pytest.mark.parametrize(
    ("key", "logged", "curve"),
    [
        ("loss.min", {"loss": [3.0, 1.0, 2.0]}, [3.0, 1.0, 1.0]),
        ("loss.max", {"loss": [3.0, 1.0, 4.0]}, [3.0, 3.0, 4.0]),
        ("loss.min", {"loss": [3.0, 1.0, 2.0], "loss.min": [0.5]}, [0.5]),
        ("loss.mean", {"loss": [3.0]}, []),
        (".min", {"": [3.0]}, []),
    ],
)
def test_running_minima_and_maxima_are_computed_where_a_script_has_not_logged_them(
    key: str, logged: Mapping[str, Sequence[float]], curve: list[float]
) -> None:
    histories = Histories({"run": 0}, WantedKey(key), lambda _, found: list(found))
    histories.take(page(*(("run", name, values) for name, values in logged.items())))
    assert histories.finish() == [curve]
