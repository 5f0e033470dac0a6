"""Damaged rows: reported and never returned as data; all other rows stay readable and writable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from conformance.metric_store.batches import (
    SWEEP,
    Store,
    an_attempt,
    log,
    points,
    rows,
)
from conformance.metric_store.damage import change, flipped, stored
from conformance.metric_store.test_files import piece
from sweepd import v1
from sweepd.file_limits import MAX_PIECE_BYTES
from sweepd_kernel.errors import DamagedError, DomainError, Status
from sweepd_metric_store import following
from sweepd_metric_store.following import Subscriptions
from sweepd_metric_store.ports import (
    EncodedPage,
    FileArrived,
    HistoryQuery,
    LogPart,
    Position,
    Selection,
)

ALL = Selection(sweep=SWEEP)
CHUNK = "select body from chunk order by series_id, first_row limit 1"


def query(*, skip: bool = True, max_points: int = 0, selection: Selection = ALL) -> HistoryQuery:
    return HistoryQuery(
        selection=selection,
        start=Position(),
        budget=3_000_000,
        max_points=max_points,
        skip_damaged=skip,
    )


def page(store: Store, *, max_points: int = 0) -> EncodedPage:
    return asyncio.run(store.reads.history(query(max_points=max_points)))


def seen(found: EncodedPage) -> list[tuple[str, int, str]]:
    """Return key, row and value of each point."""
    return [
        (key, row, value)
        for _, _, key, row, _, value in points(v1.Series.FromString(each) for each in found.items)
    ]


def error_of(read: Callable[[], object]) -> DomainError:
    with pytest.raises(DamagedError) as caught:
        read()
    assert caught.value.status is Status.DATA_LOSS
    return caught.value


def test_a_flipped_bit_in_any_byte_of_a_chunk_is_detected(store: Store) -> None:
    store.writes.commit([rows(an_attempt(), 1, [{"a": 0.25, "b": 1.5}])])
    body = stored(store.engine, CHUNK)
    for at in range(len(body)):
        change(store.engine, "update chunk set body = ? where series_id = 1", flipped(body, at))
        found = page(store)
        assert [each.name for each in found.damaged] == ["a"], at
        assert seen(found) == [("b", 1, "1.5")], at
    change(store.engine, "update chunk set body = ? where series_id = 1", body)
    assert len(seen(page(store))) == 2


@pytest.mark.parametrize(
    "column", ["first_row", "last_row", "points", "min_step", "max_step", "kind", "checksum", "series_id"]
)
def test_a_changed_column_of_a_chunk_is_detected(store: Store, column: str) -> None:
    store.writes.commit([rows(an_attempt(), 2, [{"a": 0.25}])])
    store.writes.commit(
        [rows(an_attempt(), 1, [{}, {"a": 0.25}, {"a": 0.5}]), rows(an_attempt(2), 1, [{"a": 1.0}])]
    )
    change(store.engine, f"update chunk set {column} = {column} + 1 where series_id = 1")
    assert page(store).damaged


def test_the_error_names_database_run_and_key(store: Store) -> None:
    store.writes.commit([rows(an_attempt(2), 1, [{"a": 0.25}])])
    change(store.engine, "update chunk set body = ?", flipped(stored(store.engine, CHUNK), 3))
    error = error_of(lambda: asyncio.run(store.reads.history(query(skip=False))))
    assert error.metadata == {"place": store.engine.place, "run": f"{SWEEP}-2", "key": "a"}
    assert f"{store.engine.place} is damaged: the points of 'a', run {SWEEP}-2, attempt 1" in error.message


def test_the_undamaged_chunks_of_a_series_are_read_with_and_without_thinning(store: Store) -> None:
    for first in (1, 301, 601):
        store.writes.commit([rows(an_attempt(), first, [{"a": float(at)} for at in range(300)])])
    change(store.engine, "update chunk set body = ? where first_row = 301", bytes(300))
    assert {row for _, row, _ in seen(page(store))} == {*range(1, 301), *range(601, 901)}
    found = page(store, max_points=50)
    assert [each.name for each in found.damaged] == ["a"]
    assert seen(found)


def test_growth_reports_damage_and_returns_the_other_series(store: Store) -> None:
    store.writes.commit([rows(an_attempt(), 1, [{"a": 0.25, "b": 1.5}])])
    change(
        store.engine, "update chunk set body = ? where series_id = 1", flipped(stored(store.engine, CHUNK), 3)
    )
    grown = asyncio.run(store.reads.growth({an_attempt()}, {}, set()))
    assert [(each.run, each.name) for each in grown.damaged] == [(f"{SWEEP}-1", "a")]
    assert [v1.Series.FromString(each).key for each in grown.series] == ["b"]
    assert not grown.unread


def test_a_damaged_summary_is_reported_and_the_others_are_listed(store: Store) -> None:
    store.writes.commit([rows(an_attempt(1), 1, [{"a": 1.0}]), rows(an_attempt(2), 1, [{"a": 2.0}])])
    body = stored(store.engine, "select summary from series order by id limit 1")
    for at in range(len(body)):
        change(store.engine, "update series set summary = ? where id = 1", flipped(body, at))
        found = asyncio.run(store.reads.summaries(ALL, Position(), 10, skip_damaged=True))
        assert [(each.run, each.what, each.name) for each in found.damaged] == [
            (f"{SWEEP}-1", "summary", "a")
        ], at
        assert [v1.KeySummary.FromString(each).run for each in found.items] == [f"{SWEEP}-2"], at


def test_a_damaged_summary_stays_damaged_when_points_are_added(store: Store) -> None:
    store.writes.commit([rows(an_attempt(), 1, [{"a": 1.0}])])
    store.writes.close()
    change(store.engine, "update series set summary = ?", bytes(9))
    reopened = store.reopened()
    reopened.commit([rows(an_attempt(), 2, [{"a": 2.0}])])
    error_of(lambda: asyncio.run(store.reads.summaries(ALL, Position(), 10)))
    assert seen(page(store)) == [("a", 1, "1.0"), ("a", 2, "2.0")]


@pytest.mark.parametrize("by_compaction", [False, True])
def test_joining_chunks_neither_spreads_damage_nor_loses_undamaged_points(
    store: Store, by_compaction: bool
) -> None:
    count = 3 if by_compaction else 40
    for row in range(1, 4):
        store.writes.commit([rows(an_attempt(), row, [{"a": float(row)}])])
    change(store.engine, "update chunk set body = ? where first_row = 2", bytes(9))
    for row in range(4, count + 1):
        store.writes.commit([rows(an_attempt(), row, [{"a": float(row)}])])
    if by_compaction:
        store.writes.close()
        reopened = store.reopened()
        assert reopened.compact()
        assert not reopened.compact()
        reopened.commit([rows(an_attempt(), 4, [{"a": 4.0}])])
        count = 4
    found = page(store)
    assert [row for _, row, _ in seen(found)] == [1, *range(3, count + 1)]
    assert len(found.damaged) == 1


def log_of(store: Store, run: str = f"{SWEEP}-1") -> tuple[list[LogPart], DomainError | None]:
    """Read a log as the service does; return its parts, and the error if it is damaged."""
    found: list[LogPart] = []

    async def read() -> None:
        first = await following.first_part(store.reads, run, 0, 0, 0)
        async for part in following.parts(first, run, store.reads, Subscriptions(), follow=False):
            found.append(part)  # noqa: PERF401 (parts before an error are kept)

    try:
        asyncio.run(read())
    except DamagedError as error:
        return found, error
    return found, None


def test_a_flipped_bit_in_any_byte_of_a_log_is_detected_and_the_rest_is_read(store: Store) -> None:
    for offset, text in ((0, b"one\n"), (4, b"two\n"), (8, b"three\n")):
        store.writes.commit([log(an_attempt(), offset, text)])
    for at in range(4):
        change(store.engine, "update log_piece set body = ? where first_offset = 4", flipped(b"two\n", at))
        found, error = log_of(store)
        assert b"".join(part.content for part in found) == b"one\nthree\n"
        assert [part.offset for part in found] == [0, 8]
        assert error is not None
        assert error.metadata["run"] == f"{SWEEP}-1"
    for column in ("end_offset", "checksum"):
        change(store.engine, "update log_piece set body = ? where first_offset = 4", b"two\n")
        change(store.engine, f"update log_piece set {column} = {column} + 1 where first_offset = 4")
        assert log_of(store)[1] is not None
        change(store.engine, f"update log_piece set {column} = {column} - 1 where first_offset = 4")
    assert log_of(store)[1] is None


def test_a_log_with_a_damaged_last_piece_is_read_to_its_end(store: Store) -> None:
    store.writes.commit([log(an_attempt(), 0, b"one\n")])
    store.writes.commit([log(an_attempt(), 4, b"two\n")])
    change(store.engine, "update log_piece set body = ? where first_offset = 4", b"tvo\n")
    found, error = log_of(store)
    assert b"".join(part.content for part in found) == b"one\n"
    assert error is not None


@pytest.mark.parametrize("by_compaction", [False, True])
def test_joining_pieces_of_a_log_neither_spreads_damage_nor_loses_undamaged_bytes(
    store: Store, by_compaction: bool
) -> None:
    for row in range(3):
        store.writes.commit([log(an_attempt(), row, b"x")])
    change(store.engine, "update log_piece set body = ? where first_offset = 1", b"y")
    count = 3
    if by_compaction:
        store.writes.close()
        reopened = store.reopened()
        assert reopened.compact()
        assert not reopened.compact()
    else:
        for count in range(4, 71):
            store.writes.commit([log(an_attempt(), count - 1, b"x")])
    found, error = log_of(store)
    assert b"".join(part.content for part in found) == b"x" * (count - 1)
    assert error is not None


def test_a_damaged_file_is_reported_and_repaired_by_a_file_with_the_same_content(store: Store) -> None:
    whole = bytes(MAX_PIECE_BYTES) + b"end"

    def pieces(first: int, **other: object) -> list[FileArrived]:
        return [
            piece(first, whole[:MAX_PIECE_BYTES], whole=whole, **other),  # type: ignore[arg-type]
            piece(first + 1, b"end", whole=whole, offset=MAX_PIECE_BYTES, **other),  # type: ignore[arg-type]
        ]

    async def read(name: str) -> bytes:
        blob = await store.reads.file_blob(an_attempt().run, name)
        assert blob is not None
        found = b""
        while part := await store.reads.file_piece(an_attempt().run, name, blob, len(found)):
            found += part
        return found

    for each in pieces(1):
        store.writes.commit([each])
    change(store.engine, "update file_piece set body = ? where first_offset > 0", b"and")
    error = error_of(lambda: asyncio.run(read("a.txt")))
    assert error.metadata == {"place": store.engine.place, "run": an_attempt().run, "name": "a.txt"}
    for each in pieces(3, file="b.txt"):
        store.writes.commit([each])
    assert asyncio.run(read("a.txt")) == asyncio.run(read("b.txt")) == whole


def test_missing_bytes_of_a_log_are_reported_and_do_not_shift_the_others(store: Store) -> None:
    for offset, text in ((0, b"one\n"), (4, b"two\n"), (8, b"three\n")):
        store.writes.commit([log(an_attempt(), offset, text)])
    for offset, rest in ((4, [0, 8]), (0, [4]), (8, [0])):
        change(
            store.engine,
            "update log_piece set first_offset = first_offset + 100 where first_offset = ?",
            offset,
        )
        found, error = log_of(store)
        assert [part.offset for part in found] == rest
        assert b"".join(part.content for part in found) in {b"one\nthree\n", b"two\nthree\n", b"one\ntwo\n"}
        assert error is not None
        change(store.engine, "update log_piece set first_offset = first_offset - 100 where first_offset > 99")
    assert log_of(store)[1] is None


def test_joining_does_not_close_a_gap_in_a_log(store: Store) -> None:
    for offset, text in ((0, b"one\n"), (4, b"two\n"), (8, b"three\n")):
        store.writes.commit([log(an_attempt(), offset, text)])
    store.writes.close()
    change(store.engine, "delete from log_piece where first_offset = 4")
    reopened = store.reopened()
    assert reopened.compact()
    assert not reopened.compact()
    found, error = log_of(store)
    assert [(part.offset, part.content) for part in found] == [(0, b"one\n"), (8, b"three\n")]
    assert error is not None
