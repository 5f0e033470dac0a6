"""Ranges compared with a cursor: gaps, overlaps and repeats."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sweepd_metric_store.domain.batch import Standing, bytes_standing, standing


def test_a_batch_beyond_the_next_row_is_a_gap() -> None:
    assert standing(4, 6, 9) is Standing.GAP


def test_the_new_rows_of_an_overlapping_batch_are_stored() -> None:
    assert standing(4, 2, 5) is Standing.NEXT


def test_a_batch_up_to_the_cursor_is_a_repeat() -> None:
    assert standing(4, 1, 4) is Standing.REPEATED


def test_bytes_are_counted_from_zero() -> None:
    assert bytes_standing(10, 10, 1) is Standing.NEXT
    assert bytes_standing(10, 11, 1) is Standing.GAP
    assert bytes_standing(10, 4, 6) is Standing.REPEATED
    assert bytes_standing(10, 10, 0) is Standing.REPEATED


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 10)), max_size=40))
def test_whatever_is_sent_every_row_is_stored_once_and_in_order(batches: list[tuple[int, int]]) -> None:
    stored: list[int] = []
    for first, length in batches:
        cursor = len(stored)
        if standing(cursor, first, first + length) is Standing.NEXT:
            stored.extend(row for row in range(first, first + length + 1) if row > cursor)
    assert stored == list(range(1, len(stored) + 1))
