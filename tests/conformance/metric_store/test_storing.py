"""Storing: each acknowledged point is stored exactly once, with its value."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.metric_store.batches import (
    SWEEP,
    Point,
    Store,
    an_attempt,
    history,
    log,
    points,
    rows,
    summaries,
)
from sweepd_metric_store.domain.batch import Value
from sweepd_metric_store.domain.packing import MAX_KEYS
from sweepd_metric_store.ports import Selection

ONE = an_attempt()
ALL = Selection(sweep=SWEEP)
VALUES: list[Value] = [
    math.nan,
    math.inf,
    -math.inf,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    2**63 - 1,
    -(2**63),
    0,
    1,
    True,
    False,
    "",
    "täxt \N{SNOWMAN} \0 end",
]


def stored(store: Store, selection: Selection = ALL, *, all_attempts: bool = True) -> list[Point]:
    return points(asyncio.run(history(store, selection, all_attempts=all_attempts)))


def test_every_value_is_read_back_exactly(store: Store) -> None:
    store.writes.commit([rows(ONE, 1, [{"x": value} for value in VALUES])])
    assert sorted((row, value) for _, _, _, row, _, value in stored(store)) == [
        (row, repr(value)) for row, value in enumerate(VALUES, start=1)
    ]


def test_a_repeated_batch_changes_nothing_and_is_answered_with_the_cursor(store: Store) -> None:
    batch = rows(ONE, 1, [{"x": 1.0}, {"x": 2.0}])
    (first, repeated) = store.writes.commit([batch, batch])
    (later,) = store.writes.commit([batch])
    assert [first.cursor, repeated.cursor, later.cursor] == [2, 2, 2]
    assert [first.fresh, repeated.fresh, later.fresh] == [True, False, False]
    assert len(stored(store)) == 2


def test_a_batch_beyond_the_cursor_stores_nothing(store: Store) -> None:
    (answer,) = store.writes.commit([rows(ONE, 2, [{"x": 1.0}])])
    assert (answer.cursor, answer.rejection) == (0, "")
    assert stored(store) == []


def test_rows_without_points_move_the_cursor(store: Store) -> None:
    (answer,) = store.writes.commit([rows(ONE, 1, [{}, {}, {}])])
    assert answer.cursor == 3
    assert stored(store) == []


def test_a_malformed_batch_is_acknowledged_and_the_next_one_is_stored(store: Store) -> None:
    bad = rows(ONE, 1, [{"x": 1.0}, {"x": 2.0}])
    bad = replace(bad, batch=replace(bad.batch, steps=[1]))
    (answer, after) = store.writes.commit([bad, rows(ONE, 3, [{"x": 3.0}])])
    assert answer.cursor == 2
    assert answer.rejection
    assert (after.cursor, after.rejection) == (3, "")
    assert [row for _, _, _, row, _, _ in stored(store)] == [3]


def test_an_invalid_range_is_rejected_and_does_not_move_the_cursor(store: Store) -> None:
    bad = rows(ONE, 1, [{"x": 1.0}])
    bad = replace(bad, batch=replace(bad.batch, first_row=0))
    (answer,) = store.writes.commit([bad])
    assert answer.cursor == 0
    assert "range" in answer.rejection


def test_a_batch_of_attempt_0_is_rejected(store: Store) -> None:
    (answer,) = store.writes.commit([rows(an_attempt(attempt=0), 1, [{"x": 1.0}])])
    assert answer.rejection


def test_the_limit_of_keys_covers_all_attempts_of_a_run(store: Store) -> None:
    many = {f"k{at}": 1.0 for at in range(MAX_KEYS - 1)}
    store.writes.commit([rows(ONE, 1, [many])])
    (answer,) = store.writes.commit(
        [rows(an_attempt(attempt=2), 1, [{"k0": 1.0, "new": 1.0, "surplus": 1.0}])]
    )
    assert "'surplus'" in answer.rejection
    assert answer.cursor == 1
    keys = {key for _, attempt, key, _, _, _ in stored(store) if attempt == 2}
    assert keys == {"k0", "new"}


def test_a_reopened_store_continues_after_the_stored_rows(store: Store) -> None:
    store.writes.commit([rows(ONE, 1, [{"x": float(at)} for at in range(300)]), log(ONE, 0, b"abc")])
    store.writes.commit([rows(ONE, 301, [{"x": -1.0}])])
    store.writes.close()
    reopened = store.reopened()
    answers = reopened.commit([rows(ONE, 301, [{"x": -1.0}, {"x": 2.5, "y": 1}]), log(ONE, 3, b"def")])
    assert [answer.cursor for answer in answers] == [302, 6]
    reopened.close()
    found = {row: value for _, _, key, row, _, value in stored(store) if key == "x"}
    assert len(found) == 302
    assert (found[301], found[302]) == ("-1.0", "2.5")
    known = asyncio.run(summaries(store, ALL))[ONE.run, "x"]
    assert (known.count, known.min, known.max, known.last.double_value) == (302, -1.0, 299.0, 2.5)


def test_small_batches_are_joined_into_chunks_of_hundreds_of_points(store: Store) -> None:
    for at in range(1, 801):
        store.writes.commit([rows(ONE, at, [{"x": float(at)}])])
    (series,) = asyncio.run(history(store, ALL))
    assert all(100 <= len(chunk.rows) <= 1_000 for chunk in series.chunks[:2])
    assert len(series.chunks) < 50
    assert [row for _, _, _, row, _, _ in points([series])] == list(range(1, 801))


def test_inactive_attempts_are_compacted_and_accept_further_rows(store: Store) -> None:
    for at in range(1, 21):
        store.writes.commit(
            [rows(ONE, at, [{"x": at if at % 3 else float(at)}]), log(ONE, 2 * (at - 1), b"x\n")]
        )
    before = stored(store)
    store.writes.close()  # a store that was just opened has no active attempts
    reopened = store.reopened()
    assert reopened.compact()
    assert not reopened.compact()
    (series,) = asyncio.run(history(store, ALL))
    assert len(series.chunks) == 2
    assert sorted(points([series])) == sorted(before)
    answers = reopened.commit([rows(ONE, 21, [{"x": 0.5}]), log(ONE, 40, b"end")])
    assert [answer.cursor for answer in answers] == [21, 43]
    reopened.close()
    assert len(stored(store)) == 21


@pytest.mark.parametrize("size", [1, 7, 50, 400, 2_000])
def test_batches_of_any_size_store_the_same_points(store: Store, size: int) -> None:
    expected = [{"x": float(at), "n": at} for at in range(2_000)]
    for at in range(0, len(expected), size):
        store.writes.commit([rows(ONE, at + 1, expected[at : at + size])])
    found = {(key, row): value for _, _, key, row, _, value in stored(store)}
    assert found == {
        (key, row): repr(value) for row, each in enumerate(expected, start=1) for key, value in each.items()
    }


ROW = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.one_of(st.floats(), st.integers(-5, 5), st.booleans(), st.text(max_size=3)),
)
SENDING = st.tuples(
    st.integers(0, 2), st.integers(-3, 2), st.lists(ROW, min_size=1, max_size=150), st.booleans()
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SENDING, max_size=25))
def test_each_row_is_stored_once_for_batches_in_any_order(
    store: Store, sendings: list[tuple[int, int, list[dict[str, Value]], bool]]
) -> None:
    sweep = f"local/property/{uuid4()}"
    cursors = [0, 0, 0]
    conflicts: list[int | None] = [None] * 3
    expected: dict[tuple[int, str, int], str] = {}
    pending = []
    for attempt, shift, values, commit in sendings:
        first = max(1, cursors[attempt] + 1 + shift)
        pending.append(rows(an_attempt(1, attempt + 1, sweep), first, values))
        cells = [
            (attempt + 1, key, first + at, repr(value))
            for at, row in enumerate(values)
            for key, value in row.items()
        ]
        is_other = any(expected.get(cell[:3]) != cell[3] for cell in cells if cell[2] <= cursors[attempt])
        conflict = conflicts[attempt]
        if is_other:
            conflicts[attempt] = min(first, conflict or first)
        elif conflict is not None and first <= conflict < first + len(values):
            conflicts[attempt] = None
        if first <= cursors[attempt] + 1 and conflicts[attempt] is None:
            for row, each in enumerate(values, start=first):
                if row > cursors[attempt]:
                    expected |= {(attempt + 1, key, row): repr(value) for key, value in each.items()}
            cursors[attempt] = max(cursors[attempt], first + len(values) - 1)
        if commit:
            store.writes.commit(pending)
            pending = []
    store.writes.commit(pending)
    found = stored(store, Selection(runs={f"{sweep}-1"}))
    assert len(found) == len(expected)
    assert {(attempt, key, row): value for _, attempt, key, row, _, value in found} == expected
    paged = points(
        asyncio.run(history(store, Selection(sweep=sweep), all_attempts=True, by_attempt=True, budget=400))
    )
    assert sorted(paged) == sorted(found)
