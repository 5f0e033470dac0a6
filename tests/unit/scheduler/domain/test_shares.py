"""An even share of runs, whatever their numbers have in common."""

from __future__ import annotations

import pytest

from sweepd_scheduler.domain.runs.results import Share


@pytest.mark.parametrize(("most", "total"), [(10, 0), (10, 10), (2_000, 7)])
def test_all_are_in_it_if_they_are_not_too_many(most: int, total: int) -> None:
    share = Share.of(most, total)
    assert all(share.has(number) for number in (*range(1, total + 1), 10**9, -1))


@pytest.mark.parametrize("total", [2_001, 10_000, 99_991])
def test_it_has_about_as_many_as_it_should(total: int) -> None:
    share = Share.of(2_000, total)
    assert sum(map(share.has, range(1, total + 1))) == pytest.approx(2_000, abs=5)


@pytest.mark.parametrize("step", [2, 3, 5, 8, 10, 13, 100])
def test_each_value_of_a_grid_is_in_it_as_often_as_the_others(step: int) -> None:
    share = Share.of(2_000, 20_000)
    fair = 2_000 / step
    for first in range(1, step + 1):
        assert sum(map(share.has, range(first, 20_001, step))) == pytest.approx(fair, rel=0.02, abs=4)
