"""Selection of an even share of runs, whatever the pattern of their numbers."""

from __future__ import annotations

import pytest

from sweepd_scheduler.domain.runs.results import RunSample


@pytest.mark.parametrize(("most", "total"), [(10, 0), (10, 10), (2_000, 7)])
def test_few_runs_are_all_selected(most: int, total: int) -> None:
    share = RunSample.of(most, total)
    assert all(share.has(number) for number in (*range(1, total + 1), 10**9, -1))


@pytest.mark.parametrize("total", [2_001, 10_000, 99_991])
def test_the_share_has_about_the_requested_size(total: int) -> None:
    share = RunSample.of(2_000, total)
    assert sum(map(share.has, range(1, total + 1))) == pytest.approx(2_000, abs=5)


@pytest.mark.parametrize("step", [2, 3, 5, 8, 10, 13, 100])
def test_the_values_of_a_grid_are_equally_frequent_in_the_share(step: int) -> None:
    share = RunSample.of(2_000, 20_000)
    fair = 2_000 / step
    for first in range(1, step + 1):
        assert sum(map(share.has, range(first, 20_001, step))) == pytest.approx(fair, rel=0.02, abs=4)
