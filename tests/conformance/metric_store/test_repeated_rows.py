"""Repeated rows: acknowledged if they equal the stored ones, otherwise refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from conformance.metric_store.batches import Store, an_attempt, log, rows
from sweepd_metric_store.domain.batch import Value

ONE, TWO = an_attempt(1), an_attempt(2)
ROW: dict[str, Value] = {"x": 1.5, "n": math.nan, "i": 3, "b": True, "t": "text"}


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(
    "other",
    [{"x": 1.25}, {"n": 0.0}, {"i": 4}, {"i": 3.0}, {"b": False}, {"t": "texT"}, {"new": 1.0}],
    ids=str,
)
def test_a_repeated_row_with_another_value_is_refused_and_rows_of_other_runs_are_stored(
    store: Store, other: dict[str, Value], together: bool
) -> None:
    first = rows(ONE, 1, [ROW, ROW])
    arrivals = [rows(ONE, 1, [ROW, ROW | other]), rows(TWO, 1, [ROW])]
    if together:
        _, refused, stored = store.writes.commit([first, *arrivals])
    else:
        store.writes.commit([first])
        refused, stored = store.writes.commit(arrivals)
    assert refused.refused
    assert refused.cursor == 2
    (key,) = other
    assert refused.rejection == f"row 2 is stored with a different value of '{key}'"
    assert (stored.refused, stored.cursor, stored.fresh) == (False, 1, True)


def test_equal_repeated_rows_are_acknowledged_and_new_rows_after_them_are_stored(
    store: Store,
) -> None:
    store.writes.commit([rows(ONE, 1, [ROW] * 300)])
    (same, longer) = store.writes.commit([rows(ONE, 200, [ROW] * 50), rows(ONE, 299, [ROW] * 3)])
    assert (same.refused, same.cursor, same.fresh) == (False, 300, False)
    assert (longer.refused, longer.cursor, longer.fresh) == (False, 301, True)


def test_a_batch_with_a_different_repeated_row_stores_no_new_row(store: Store) -> None:
    store.writes.commit([rows(ONE, 1, [ROW])])
    (refused,) = store.writes.commit([rows(ONE, 1, [{"x": 9.0}, ROW])])
    assert (refused.refused, refused.cursor) == (True, 1)


def test_a_repeated_batch_with_rejected_values_is_not_refused(store: Store) -> None:
    bad = rows(ONE, 1, [{"x": 1.0, "t": "x" * 2_000}])
    first, repeated = store.writes.commit([bad, bad])
    assert first.rejection
    assert (repeated.refused, repeated.cursor) == (False, 1)
    malformed = rows(TWO, 1, [{"x": 1.0}, {"x": 2.0}])
    malformed = replace(malformed, batch=replace(malformed.batch, steps=[1]))
    assert [each.refused for each in store.writes.commit([malformed, malformed])] == [False, False]


@pytest.mark.parametrize("together", [False, True])
def test_different_repeated_bytes_of_a_log_are_refused(store: Store, together: bool) -> None:
    first, same, other = log(ONE, 0, b"abc"), log(ONE, 1, b"bcd"), log(ONE, 1, b"bxde")
    if together:
        _, taken, refused = store.writes.commit([first, same, other])
    else:
        store.writes.commit([first])
        (taken,) = store.writes.commit([same])
        (refused,) = store.writes.commit([other])
    assert (taken.refused, taken.cursor) == (False, 4)
    assert (refused.refused, refused.cursor) == (True, 4)
    assert refused.rejection == "different bytes are stored from offset 1 on"


@pytest.mark.parametrize("together", [False, True])
def test_no_rows_are_stored_after_different_repeated_rows_until_equal_ones_are_sent(
    store: Store, together: bool
) -> None:
    """Acknowledgements are cumulative: one for later rows would include the refused rows."""
    store.writes.commit([rows(ONE, 1, [ROW, ROW])])
    arrivals = [rows(ONE, 1, [{"x": 9.0}]), rows(ONE, 2, [ROW]), rows(ONE, 3, [ROW])]
    if together:
        answers = store.writes.commit(arrivals)
    else:
        answers = [answer for each in arrivals for answer in store.writes.commit([each])]
    assert [(each.refused, each.cursor) for each in answers] == [(True, 2)] * 3
    same, later = store.writes.commit([rows(ONE, 1, [ROW]), rows(ONE, 3, [ROW])])
    assert (same.refused, later.refused, later.cursor) == (False, False, 3)


def test_no_bytes_are_stored_after_different_repeated_bytes_until_equal_ones_are_sent(store: Store) -> None:
    store.writes.commit([log(ONE, 0, b"abc")])
    answers = store.writes.commit([log(ONE, 0, b"xbc"), log(ONE, 3, b"d")])
    assert [(each.refused, each.cursor) for each in answers] == [(True, 3)] * 2
    same, later = store.writes.commit([log(ONE, 0, b"abc"), log(ONE, 3, b"d")])
    assert (same.refused, later.refused, later.cursor) == (False, False, 4)
