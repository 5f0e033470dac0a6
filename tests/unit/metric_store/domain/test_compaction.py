"""Small pieces become chunks of a bounded size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd_metric_store.domain.packing import (
    CLOSED_POINTS,
    MAX_PIECE_POINTS,
    MAX_TAIL_PIECES,
    NO_TAIL,
    Group,
    Tail,
    plan,
    tail_after,
)


def test_a_long_piece_without_a_tail_is_stored_as_it_is() -> None:
    assert plan(NO_TAIL, [MAX_PIECE_POINTS]) == [Group(start=0, stop=1, takes_tail=False, closed=True)]


def test_pieces_after_a_closed_chunk_are_counted_anew() -> None:
    assert [group.closed for group in plan(NO_TAIL, [CLOSED_POINTS, CLOSED_POINTS - 1])] == [True, False]


@pytest.mark.parametrize("pieces", [1, 4])
def test_a_piece_that_fills_the_tail_is_joined_with_it(pieces: int) -> None:
    assert plan(Tail(first_row=1, points=200, pieces=pieces), [100, 5]) == [
        Group(start=0, stop=1, takes_tail=True, closed=True),
        Group(start=1, stop=2, takes_tail=False, closed=False),
    ]


def test_a_short_piece_is_stored_separately_after_the_tail() -> None:
    tail = Tail(first_row=1, points=20, pieces=4)
    (group,) = plan(tail, [1])
    assert group == Group(start=0, stop=1, takes_tail=False, closed=False)
    assert tail_after(tail, group, Tail(first_row=9, points=1, pieces=1)) == Tail(
        first_row=1, points=21, pieces=5
    )


def test_a_tail_of_many_pieces_is_joined_before_it_is_full() -> None:
    tail = Tail(first_row=1, points=MAX_TAIL_PIECES, pieces=MAX_TAIL_PIECES)
    assert plan(tail, [1]) == [Group(start=0, stop=1, takes_tail=True, closed=False)]


@given(st.lists(st.lists(st.integers(1, MAX_PIECE_POINTS), min_size=1, max_size=12), max_size=30))
def test_chunks_and_tails_do_not_exceed_their_sizes(arrivals: list[list[int]]) -> None:
    tail, row = NO_TAIL, 1
    for sizes in arrivals:
        groups = plan(tail, sizes)
        assert [at for group in groups for at in range(group.start, group.stop)] == list(range(len(sizes)))
        for group in groups:
            joined = sum(sizes[group.start : group.stop]) + (tail.points if group.takes_tail else 0)
            assert joined < 1_000
            assert group.closed == (joined + (0 if group.takes_tail else tail.points) >= CLOSED_POINTS)
            tail = tail_after(tail, group, Tail(first_row=row, points=joined, pieces=1))
            row += joined
            assert tail.points < CLOSED_POINTS
            assert tail.pieces <= MAX_TAIL_PIECES
