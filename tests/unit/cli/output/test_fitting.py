"""Columns that fit a terminal: texts are truncated, then the least important columns are left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sweepd.cli.output.table import GAP, Need, fit_widths

NUMBER = Need(cells=6, heading=5)
TEXT = Need(cells=50, heading=4, cut=True)
SPARE = Need(cells=7, heading=7, spare=3)

needs = st.builds(
    Need,
    cells=st.integers(10, 60),
    heading=st.integers(1, 30),
    cut=st.booleans(),
    uncut=st.integers(0, 10),
    spare=st.integers(0, 3),
)


def total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def test_columns_that_fit_are_unchanged() -> None:
    assert fit_widths([NUMBER, SPARE, TEXT], 67) == {0: 6, 1: 7, 2: 50}


def test_texts_are_truncated_before_a_column_is_left_out() -> None:
    assert fit_widths([NUMBER, SPARE, TEXT], 50) == {0: 6, 1: 7, 2: 33}


def test_a_spare_column_is_left_out_before_texts_become_unreadable() -> None:
    assert fit_widths([NUMBER, SPARE, TEXT], 40) == {0: 6, 2: 32}


def test_numbers_are_never_truncated() -> None:
    assert fit_widths([NUMBER, NUMBER, Need(cells=50, heading=9, cut=True, uncut=12)], 20) == {
        0: 6,
        1: 6,
        2: 50,
    }


def test_among_equal_columns_the_rightmost_is_left_out_first() -> None:
    parameter = Need(cells=9, heading=9, cut=True, uncut=9, spare=1)
    assert list(fit_widths([NUMBER, parameter, parameter, parameter], 30)) == [0, 1, 2]


@given(columns=st.lists(needs, min_size=1, max_size=12), width=st.integers(40, 120))
def test_a_table_fits_if_its_necessary_columns_do(columns: list[Need], width: int) -> None:
    widths = fit_widths(columns, width)
    needed = [need for need in columns if need.spare == 0]
    least = sum(need.least() for need in needed) + GAP * max(len(needed) - 1, 0)
    assert {place for place, need in enumerate(columns) if need.spare == 0} <= set(widths)
    assert total(widths) <= width or least > width
    for place, room in widths.items():
        assert columns[place].least() <= room <= columns[place].widest
