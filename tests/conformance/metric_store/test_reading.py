"""Reads of every store: views, pages, thinned series, summaries, logs."""

from __future__ import annotations

import asyncio
import math
from itertools import pairwise

import pytest

from conformance.metric_store.batches import (
    SWEEP,
    Store,
    an_attempt,
    history,
    log,
    points,
    rows,
    summaries,
)
from sweepd import v1
from sweepd_metric_store.domain.batch import Value
from sweepd_metric_store.ports import AttemptName, Selection

ALL = Selection(sweep=SWEEP)


def line(count: int, *, key: str = "x") -> list[dict[str, Value]]:
    return [{key: float(at)} for at in range(count)]


def seen(store: Store, selection: Selection = ALL, *, all_attempts: bool = False) -> list[tuple[int, int]]:
    """Return attempt and row of each point of a view."""
    found = points(asyncio.run(history(store, selection, all_attempts=all_attempts)))
    return [(attempt, row) for _, attempt, _, row, _, _ in found]


def test_an_attempt_that_starts_over_replaces_earlier_points(store: Store) -> None:
    store.writes.commit([rows(an_attempt(), 1, line(5))])
    assert len(seen(store)) == 5
    store.writes.commit([rows(an_attempt(attempt=2), 1, line(2))])
    assert seen(store) == [(2, 1), (2, 2)]
    assert len(seen(store, all_attempts=True)) == 7


def test_a_resumed_attempt_replaces_points_beyond_its_checkpoint(store: Store) -> None:
    store.writes.commit([rows(an_attempt(), 1, line(600)), rows(an_attempt(), 601, line(300))])
    store.writes.commit([rows(an_attempt(attempt=2), 1, line(2), step=650, resumed=650)])
    assert seen(store) == [(1, row) for row in range(1, 651)] + [(2, 1), (2, 2)]


def test_an_attempt_replaces_also_keys_that_it_does_not_log(store: Store) -> None:
    store.writes.commit([rows(an_attempt(), 1, line(5, key="old"))])
    store.writes.commit([rows(an_attempt(attempt=2), 1, line(2, key="new"))])
    assert seen(store, Selection(sweep=SWEEP, keys={"old"})) == []


def test_an_attempt_with_only_a_log_replaces_no_points(store: Store) -> None:
    store.writes.commit([rows(an_attempt(), 1, line(5)), log(an_attempt(attempt=2), 0, b"hello")])
    assert len(seen(store)) == 5


def test_a_selection_has_runs_or_a_sweep_and_may_have_keys(store: Store) -> None:
    other = "local/digits/s2"
    store.writes.commit(
        [rows(an_attempt(run), 1, [{"x": 1.0, "y": 2}]) for run in (1, 2, 3)]
        + [rows(an_attempt(1, 1, other), 1, [{"x": 1.0}])]
    )

    def found(selection: Selection) -> list[tuple[str, str]]:
        return [(each.run[-1], each.key) for each in asyncio.run(history(store, selection))]

    all_series = [(run, key) for run in "123" for key in "xy"]
    assert found(ALL) == all_series
    assert found(Selection(sweep=SWEEP, keys={"y"})) == [(run, "y") for run in "123"]
    assert found(Selection(runs={f"{SWEEP}-2", f"{other}-1", "no/such/run"})) == [
        ("2", "x"),
        ("2", "y"),
        ("1", "x"),
    ]
    assert found(Selection(sweep="no/such/sweep")) == []


@pytest.mark.parametrize("by_attempt", [False, True])
@pytest.mark.parametrize("budget", [1, 300, 5_000, 3_000_000])
def test_pages_of_any_size_return_the_same_points_in_the_same_order(
    store: Store, budget: int, by_attempt: bool
) -> None:
    for attempt in (1, 2):
        for start in range(1, 300, 60):
            values: list[dict[str, Value]] = [
                {"a": at if at % 2 else at / 4, "b": "text" * (at % 50)} for at in range(60)
            ]
            store.writes.commit([rows(an_attempt(attempt=attempt), start, values, resumed=100)])
    whole = asyncio.run(history(store, ALL, all_attempts=True, by_attempt=by_attempt))
    paged = asyncio.run(history(store, ALL, all_attempts=True, by_attempt=by_attempt, budget=budget))
    assert sorted(points(paged)) == sorted(points(whole))
    names = [(each.run, each.key, each.attempt) for each in paged]
    order = [(run, attempt, key) for run, key, attempt in names] if by_attempt else names
    assert order == sorted(order)


def test_pages_continue_without_gaps_while_chunks_are_joined(store: Store) -> None:
    for start in range(1, 100, 20):
        store.writes.commit([rows(an_attempt(), start, line(20))])
    cursor = 100

    def append_rows() -> None:
        nonlocal cursor
        if cursor < 400:
            store.writes.commit([rows(an_attempt(), cursor + 1, line(15))])
            cursor += 15

    found = points(asyncio.run(history(store, ALL, budget=200, between_pages=append_rows)))
    assert [row for _, _, _, row, _, _ in found] == list(range(1, len(found) + 1))
    assert len(found) >= 200


def test_pages_with_long_texts_stay_within_their_budget(store: Store) -> None:
    text = "\N{SNOWMAN}" * 1_024
    for start in range(1, 600, 60):
        store.writes.commit([rows(an_attempt(), start, [{"t": text}] * 60)])
    found = asyncio.run(history(store, ALL, budget=100_000))
    assert all(len(each.SerializeToString()) <= 110_000 for each in found)
    assert len(points(found)) == 600


def test_thinned_series_stay_short_and_keep_extremes(store: Store) -> None:
    values = [math.sin(at / 300) for at in range(5_000)]
    values[2_222] = 50.0
    values[3_333] = math.nan
    for start in range(0, 5_000, 700):
        batch: list[dict[str, Value]] = [{"x": value, "n": 1} for value in values[start : start + 700]]
        store.writes.commit([rows(an_attempt(), start + 1, batch)])
    found = points(asyncio.run(history(store, ALL, max_points=100)))
    by_row = {row: value for _, _, key, row, _, value in found if key == "x"}
    assert 50 <= len(by_row) <= 102
    assert (by_row[2_223], by_row[3_334]) == ("50.0", "nan")
    assert {1, 5_000} <= set(by_row)
    paged = points(asyncio.run(history(store, ALL, max_points=100, budget=500)))
    assert paged == found


def test_a_short_view_is_not_thinned_even_if_it_replaces_a_long_one(store: Store) -> None:
    store.writes.commit([rows(an_attempt(), 1, line(700)), rows(an_attempt(), 701, line(700))])
    store.writes.commit([rows(an_attempt(attempt=2), 1, line(3), step=50, resumed=50)])
    found = asyncio.run(history(store, ALL, max_points=800))
    assert len(points(found)) == 53


def test_summaries_are_of_the_newest_attempt_that_logged_the_key(store: Store) -> None:
    store.writes.commit([rows(an_attempt(), 1, [{"x": 5.0, "old": 1}, {"x": math.nan}])])
    store.writes.commit([rows(an_attempt(attempt=2), 1, [{"x": 7}, {"x": 9}])])
    found = asyncio.run(summaries(store, ALL))
    run = an_attempt().run
    assert found[run, "x"] == v1.KeySummary(
        run=run,
        key="x",
        count=2,
        first=v1.MetricValue(int_value=7),
        last=v1.MetricValue(int_value=9),
        min=7,
        max=9,
        mean=8,
        last_step=2,
    )
    assert found[run, "old"].count == 1


@pytest.mark.parametrize("page_size", [1, 2, 7, 1_000])
def test_pages_of_summaries_return_each_once(store: Store, page_size: int) -> None:
    store.writes.commit([rows(an_attempt(run), 1, [{"a": 1.0, "b": 2, "c": True}]) for run in range(1, 6)])
    assert len(asyncio.run(summaries(store, ALL, page_size=page_size))) == 15
    named = Selection(runs={an_attempt(run).run for run in (2, 4)}, keys={"a", "c"})
    assert len(asyncio.run(summaries(store, named, page_size=page_size))) == 4


def test_growth_returns_each_new_point_once(store: Store) -> None:
    async def follow() -> list[int]:
        seen_rows: list[int] = []
        at: dict[AttemptName, int] = {}
        for start in range(1, 200, 20):
            store.writes.commit([rows(an_attempt(), start, line(20))])
            growth = await store.reads.growth({an_attempt()}, at, {"x"})
            at = dict(growth.rows)
            assert not growth.unread
            found = [v1.Series.FromString(each) for each in growth.series]
            seen_rows += [row for _, _, _, row, _, _ in points(found)]
        return seen_rows

    assert asyncio.run(follow()) == list(range(1, 201))


def test_large_growth_is_returned_in_bounded_parts(store: Store) -> None:
    for start in range(1, 60_000, 3_000):
        store.writes.commit([rows(an_attempt(run), start, line(3_000)) for run in (1, 2)])

    async def follow() -> list[tuple[str, int]]:
        unread = set(await store.reads.attempts(ALL))
        found: list[tuple[str, int]] = []
        reached: dict[AttemptName, int] = {}
        parts = 0
        while unread:
            growth = await store.reads.growth(unread, reached, frozenset())
            reached |= growth.rows
            unread = set(growth.unread)
            assert sum(map(len, growth.series)) < 2_000_000
            series = [v1.Series.FromString(each) for each in growth.series]
            found += [(run, row) for run, _, _, row, _, _ in points(series)]
            parts += 1
        assert parts > 2
        return found

    found = asyncio.run(follow())
    assert len(found) == len(set(found)) == 120_000


def test_growth_of_mixed_types_is_returned_in_the_order_of_rows(store: Store) -> None:
    values: list[dict[str, Value]] = [
        {"mixed": at if at % 3 else at / 4, "text": "t" * (at % 1_000), "rare" if at % 90 else "rarer": True}
        for at in range(3_000)
    ]
    for start in range(0, 3_000, 150):
        store.writes.commit([rows(an_attempt(), start + 1, values[start : start + 150])])

    async def follow() -> list[list[tuple[str, int]]]:
        unread, reached = {an_attempt()}, dict[AttemptName, int]()
        found = []
        while unread:
            growth = await store.reads.growth(unread, reached, frozenset())
            reached, unread = dict(growth.rows), set(growth.unread)
            assert sum(map(len, growth.series)) < 200_000
            series = [v1.Series.FromString(each) for each in growth.series]
            found.append([(key, row) for _, _, key, row, _, _ in points(series)])
        return found

    parts = asyncio.run(follow())
    expected = [(key, row) for row, each in enumerate(values, start=1) for key in each]
    assert sorted(point for part in parts for point in part) == sorted(expected)
    ends = [(min(row for _, row in part), max(row for _, row in part)) for part in parts]
    assert len(ends) > 10
    assert all(last < first for (_, last), (first, _) in pairwise(ends))


@pytest.mark.parametrize("size", [1, 1_000, 100_000, 300_000])
def test_logs_are_read_back_byte_for_byte(store: Store, size: int) -> None:
    content = bytes(at % 251 for at in range(size * 40 if size < 100_000 else size * 3))
    cursor = 0
    while cursor < len(content):
        offset = max(0, cursor - 7)  # overlaps, as after a reconnect
        (answer,) = store.writes.commit([log(an_attempt(), offset, content[offset : offset + size + 7])])
        assert answer.cursor > cursor
        cursor = answer.cursor

    async def read(start: int, limit: int) -> bytes:
        found = b""
        while part := (await store.reads.log(an_attempt().run, 0, start + len(found), limit)).content:
            found += part
        return found

    assert asyncio.run(read(0, 65_536)) == content
    assert asyncio.run(read(len(content) // 2, 4_001)) == content[len(content) // 2 :]


def test_a_log_beyond_the_cursor_is_not_stored(store: Store) -> None:
    (answer,) = store.writes.commit([log(an_attempt(), 5, b"late")])
    assert answer.cursor == 0
    part = asyncio.run(store.reads.log(an_attempt().run, 0, 0, 100))
    assert (part.attempt, part.content) == (0, b"")


def test_the_log_of_the_newest_attempt_that_has_one_is_read(store: Store) -> None:
    store.writes.commit([log(an_attempt(), 0, b"one"), log(an_attempt(attempt=2), 0, b"two")])
    store.writes.commit([rows(an_attempt(attempt=3), 1, line(1))])
    part = asyncio.run(store.reads.log(an_attempt().run, 0, 0, 100))
    assert (part.attempt, part.content, part.end) == (2, b"two", 3)
    assert asyncio.run(store.reads.log(an_attempt().run, 1, 1, 100)).content == b"ne"
