"""Packing of batches into pieces: exact, trimmed, and never failed by one bad value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd_metric_store.domain.batch import Batch, Column, Kind, Piece, RowRange, Value
from sweepd_metric_store.domain.packing import (
    MAX_KEYS,
    MAX_PIECE_POINTS,
    MalformedBatchError,
    check_range,
    pack,
)

Points = dict[tuple[str, int], tuple[int, float, Value]]


def points(pieces: list[Piece] | tuple[Piece, ...]) -> Points:
    found: Points = {}
    for piece in pieces:
        spine, values = piece.stretch.spine, piece.stretch.values
        assert len(spine.rows) == len(spine.steps) == len(spine.times) == len(values)
        for at, row in enumerate(spine.rows):
            assert (piece.key, row) not in found
            found[piece.key, row] = (spine.steps[at], spine.times[at], values[at])
    return found


def a_batch(*columns: Column, first: int = 1, last: int = 3, dropped: tuple[RowRange, ...] = ()) -> Batch:
    left_out = {row for span in dropped for row in range(span.first, span.last + 1)}
    rows = [row for row in range(first, last + 1) if row not in left_out]
    return Batch(
        first_row=first,
        last_row=last,
        steps=[row * 10 for row in rows],
        times=[float(row) for row in rows],
        columns=columns,
        dropped=dropped,
    )


def doubles(key: str, *values: float, offsets: tuple[int, ...] = ()) -> Column:
    return Column(key=key, kind=Kind.DOUBLE, offsets=offsets, values=values)


def test_keys_with_the_same_rows_share_a_spine() -> None:
    batch = a_batch(doubles("a", 1.0, offsets=(2,)), doubles("b", 2.0, offsets=(2,)))
    first, second = pack(batch, after=0, known_keys=set()).pieces
    assert first.stretch.spine is second.stretch.spine
    assert points([first, second]) == {("a", 3): (30, 3.0, 1.0), ("b", 3): (30, 3.0, 2.0)}


def test_rows_up_to_the_cursor_are_trimmed() -> None:
    batch = a_batch(doubles("a", 1.0, 2.0, 3.0), doubles("b", 5.0, 6.0, offsets=(0, 2)))
    assert points(list(pack(batch, after=2, known_keys=set()).pieces)) == {
        ("a", 3): (30, 3.0, 3.0),
        ("b", 3): (30, 3.0, 6.0),
    }


def test_a_column_with_trimmed_rows_only_adds_no_piece() -> None:
    packed = pack(a_batch(doubles("a", 1.0, offsets=(0,))), after=2, known_keys=set())
    assert not packed.pieces
    assert not packed.complaints


def test_offsets_count_from_the_first_row_and_include_dropped_rows() -> None:
    batch = a_batch(doubles("a", 1.0, 4.0, offsets=(0, 3)), last=4, dropped=(RowRange(first=2, last=3),))
    assert points(list(pack(batch, after=0, known_keys=set()).pieces)) == {
        ("a", 1): (10, 1.0, 1.0),
        ("a", 4): (40, 4.0, 4.0),
    }


@pytest.mark.parametrize("offset", [1, 3, 9])
def test_a_value_with_an_offset_of_a_dropped_or_missing_row_is_left_out(offset: int) -> None:
    batch = a_batch(doubles("a", 1.0, offsets=(offset,)), dropped=(RowRange(first=2, last=2),))
    packed = pack(batch, after=0, known_keys=set())
    assert list(packed.pieces) == []
    assert list(packed.complaints) == ["'a' has invalid row offsets: 1 values left out"]


def test_a_full_column_has_a_value_for_each_row_that_is_not_dropped() -> None:
    batch = a_batch(doubles("a", 1.0, 4.0), last=4, dropped=(RowRange(first=2, last=3),))
    assert [row for _, row in points(list(pack(batch, after=0, known_keys=set()).pieces))] == [1, 4]


@pytest.mark.parametrize(
    "bad",
    [
        doubles("bad", 1.0, 2.0),
        doubles("bad", 1.0, 2.0, offsets=(1, 1)),
        doubles("bad", 1.0, 2.0, offsets=(2, 1)),
        doubles("bad", 1.0, offsets=(3,)),
        doubles("bad", 1.0, offsets=(0, 1)),
        doubles("", 1.0, offsets=(0,)),
        doubles("k" * 257, 1.0, offsets=(0,)),
        Column(key="bad", kind=Kind.STRING, offsets=(0,), values=("x" * 1_025,)),
    ],
)
def test_a_bad_column_is_left_out_and_named_and_the_rest_is_kept(bad: Column) -> None:
    packed = pack(a_batch(bad, doubles("good", 1.0, offsets=(0,))), after=0, known_keys=set())
    assert points(list(packed.pieces)) == {("good", 1): (10, 1.0, 1.0)}
    assert len(packed.complaints) == 1


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (doubles("bad", 1.0, offsets=(3,)), "'bad' has invalid row offsets: 1 values left out"),
        (doubles("", 1.0, offsets=(0,)), "'' is not 1 to 256 characters long: 1 values left out"),
        (doubles("\0", 1.0, offsets=(0,)), "'\\x00' has a NUL character: 1 values left out"),
    ],
)
def test_a_complaint_gives_the_reason(bad: Column, why: str) -> None:
    assert list(pack(a_batch(bad), after=0, known_keys=set()).complaints) == [why]


def test_a_key_may_change_its_type_between_rows_but_not_within_one() -> None:
    batch = a_batch(
        Column(key="a", kind=Kind.INT, offsets=(1,), values=(7,)),
        doubles("a", 0.5, 1.5, offsets=(0, 2)),
        Column(key="a", kind=Kind.BOOL, offsets=(0,), values=(True,)),
    )
    packed = pack(batch, after=0, known_keys=set())
    assert points(list(packed.pieces)) == {
        ("a", 1): (10, 1.0, 0.5),
        ("a", 2): (20, 2.0, 7),
        ("a", 3): (30, 3.0, 1.5),
    }
    assert [piece.stretch.spine.rows[0] for piece in packed.pieces] == [1, 2]
    assert "two values" in packed.complaints[0]


def test_keys_beyond_the_limit_are_left_out_and_known_ones_continue() -> None:
    known = {f"k{number}" for number in range(MAX_KEYS - 1)}
    batch = a_batch(*(doubles(key, 1.0, offsets=(0,)) for key in ("k0", "new", "too many")))
    packed = pack(batch, after=0, known_keys=known)
    assert [piece.key for piece in packed.pieces] == ["k0", "new"]
    assert "too many" in packed.complaints[0]


def test_long_columns_are_cut_to_the_size_of_a_chunk() -> None:
    size = 2 * MAX_PIECE_POINTS + 1
    batch = a_batch(doubles("a", *(float(at) for at in range(size))), last=size)
    pieces = pack(batch, after=0, known_keys=set()).pieces
    assert [len(piece.stretch) for piece in pieces] == [MAX_PIECE_POINTS, MAX_PIECE_POINTS, 1]
    assert len(points(list(pieces))) == size


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (1, 2**63)])
def test_invalid_row_numbers_are_refused(first: int, last: int) -> None:
    with pytest.raises(MalformedBatchError):
        check_range(first, last)


@pytest.mark.parametrize(
    "batch",
    [
        Batch(first_row=1, last_row=2, steps=[1], times=[0.0, 0.0], columns=()),
        Batch(first_row=1, last_row=2**62, steps=[1], times=[0.0], columns=()),
        Batch(
            first_row=1, last_row=3, steps=[1], times=[0.0], columns=(), dropped=(RowRange(first=3, last=4),)
        ),
        Batch(
            first_row=1,
            last_row=3,
            steps=[1],
            times=[0.0],
            columns=(),
            dropped=(RowRange(first=2, last=2), RowRange(first=2, last=2)),
        ),
    ],
)
def test_a_batch_whose_rows_cannot_be_distinguished_is_refused(batch: Batch) -> None:
    with pytest.raises(MalformedBatchError):
        pack(batch, after=0, known_keys=set())


@given(
    rows=st.dictionaries(
        st.integers(5, 24), st.dictionaries(st.sampled_from("abc"), st.floats()), max_size=20
    ),
    dropped=st.sets(st.integers(5, 24)),
    after=st.integers(0, 26),
)
def test_any_batch_keeps_exactly_its_new_points(
    rows: dict[int, dict[str, float]], dropped: set[int], after: int
) -> None:
    rows = {row: values for row, values in rows.items() if row not in dropped}
    columns = []
    for key in "abc":
        having = sorted(row for row, values in rows.items() if key in values)
        if having:
            values = [rows[row][key] for row in having]
            columns.append(doubles(key, *values, offsets=tuple(row - 5 for row in having)))
    spans = tuple(RowRange(first=row, last=row) for row in sorted(dropped))
    packed = pack(a_batch(*columns, first=5, last=24, dropped=spans), after=after, known_keys=set())
    expected = {(key, row) for row, values in rows.items() for key in values if row > after}
    found = points(list(packed.pieces))
    assert set(found) == expected
    assert all(repr(value) == repr(rows[row][key]) for (key, row), (_, _, value) in found.items())
