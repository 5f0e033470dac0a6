"""Rows keep the numbers under which they were read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sweepd_agent.core.attempt import Json
from sweepd_agent.core.numbering import (
    BLOCK_BYTES,
    MAX_LOGGED_KEYS,
    Block,
    Numbering,
    Part,
    document,
    from_document,
)
from sweepd_agent.core.rows import Extreme, Progress, Row

AFTER = Progress(row=9)


def block(start: int, end: int, *, segment: int = 1, before: int = 0, rows: int = 2) -> Block:
    return Block(
        segment=segment, start=start, end=end, before=Progress(row=before), rows=rows, time=float(start)
    )


def a_row(number: int, step: int) -> Row:
    return Row(number=number, step=step, time=0.0, values={})


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        (block(0, 10), block(10, 30), True),
        (block(5, 10), block(10, 5 + BLOCK_BYTES), True),
        (block(5, 10), block(10, 6 + BLOCK_BYTES), False),
        (block(0, 10), block(11, 30), False),
        (block(0, 10), block(10, 30, segment=2), False),
        (replace(block(0, 10), thinned=True), block(10, 30), False),
    ],
)
def test_rows_are_added_to_the_preceding_block_until_it_is_large(
    first: Block, second: Block, joined: bool
) -> None:
    numbering = Numbering().extended(first, Progress()).extended(second, AFTER)
    together = replace(first, end=second.end, rows=4)
    assert numbering.blocks == ((together,) if joined else (first, second))
    assert numbering.progress == AFTER


def test_only_the_last_block_grows() -> None:
    blocks = block(0, 10), block(0, 5, segment=2), block(10, 20)
    numbering = Numbering()
    for each in blocks:
        numbering = numbering.extended(each, AFTER)
    assert numbering.blocks == blocks
    assert [numbering.position(segment) for segment in (1, 2, 3)] == [20, 5, 0]


def test_the_blocks_after_a_row_are_those_with_a_later_row() -> None:
    blocks = block(0, 10), block(0, 5, segment=2, before=2), block(10, 20, before=4, rows=3)
    numbering = Numbering(blocks=blocks)
    assert [each.last_row for each in blocks] == [2, 4, 7]
    assert [numbering.after(row) for row in (0, 1, 2, 6, 7)] == [
        blocks,
        blocks,
        blocks[1:],
        blocks[2:],
        (),
    ]


def test_the_blocks_of_one_segment_are_thinned_together() -> None:
    numbering = Numbering(blocks=(block(0, 10), block(0, 5, segment=2), block(10, 20))).thinned(1)
    assert [each.thinned for each in numbering.blocks] == [True, False, True]
    assert [numbering.is_thinned(segment) for segment in (1, 2, 3)] == [True, False, False]


def test_malformed_lines_add_up_and_the_first_keys_by_name_are_kept() -> None:
    numbering = Numbering().counted(2, set()).counted(0, {"b"}).counted(1, {"a", "b"})
    assert (numbering.malformed, numbering.logged_keys) == (3, ("a", "b"))
    assert numbering.counted(0, {"b"}) is numbering
    assert numbering.counted(1, {"b"}).malformed == 4
    many = numbering.counted(0, {f"k{number:03}" for number in range(MAX_LOGGED_KEYS)})
    assert len(many.logged_keys) == MAX_LOGGED_KEYS == 100
    assert many.logged_keys[:3] == ("a", "b", "k000")
    assert many.malformed == 3


def test_an_attempt_replaces_the_rows_before_it_from_its_first_step_on() -> None:
    numbering = Numbering().part_begun(2, after=10)
    assert numbering.open_part
    assert not numbering.has_first_step(2)
    assert not numbering.is_replaced(a_row(1, 99))
    numbering = numbering.part_begun_at(5)
    assert not numbering.open_part
    assert numbering.has_first_step(2)
    assert not numbering.has_first_step(3)
    rows = {(10, 5): True, (10, 6): True, (1, 5): True, (10, 4): False, (11, 5): False, (11, 9): False}
    assert {row: numbering.is_replaced(a_row(*row)) for row in rows} == rows
    third = numbering.part_begun(3, after=20)
    assert third.open_part
    assert (third.has_first_step(2), third.has_first_step(3)) == (True, False)
    third = third.part_begun_at(3)
    assert third.parts == (
        Part(attempt=2, after=10, first_step=5),
        Part(attempt=3, after=20, first_step=3),
    )
    assert third.is_replaced(a_row(15, 3))
    assert not third.is_replaced(a_row(15, 2))
    assert not Numbering().open_part


FULL = Numbering(
    blocks=(
        replace(block(3, 9, segment=2, before=4), thinned=True),
        replace(block(9, 20, before=6), time=7.5),
    ),
    progress=Progress(
        row=8,
        settled=7,
        iterations=6,
        last_step=5,
        step=4,
        waiting=((0, 0.5), (1, 2.0)),
        observed=frozenset({2, 0}),
        open=True,
        extremes=(Extreme(key=0, kind="min"), Extreme(key=1, kind="max", value=3.0)),
        exact=frozenset({4, 1}),
    ),
    malformed=1,
    logged_keys=("a", "loss"),
    first_step=0,
    parts=(Part(attempt=2, after=3, first_step=7), Part(attempt=3, after=5)),
)


def test_a_numbering_is_stored_in_this_form() -> None:
    stored = document(FULL)
    assert stored == {
        "blocks": [
            [2, 3, 9, 2, 3.0, True, [4, 0, 0, -1, None, [], [], False, [], []]],
            [1, 9, 20, 2, 7.5, False, [6, 0, 0, -1, None, [], [], False, [], []]],
        ],
        "progress": [
            8,
            7,
            6,
            5,
            4,
            [[0, 0.5], [1, 2.0]],
            [0, 2],
            True,
            [[0, "min", None], [1, "max", 3.0]],
            [1, 4],
        ],
        "malformed": 1,
        "logged_keys": ["a", "loss"],
        "first_step": 0,
        "parts": [[2, 3, 7], [3, 5, None]],
    }
    assert from_document(stored) == FULL


PROGRESS: list[Json] = [0, 0, 0, -1, None, [], [], False, [], []]
NO_EXTREME: Json = [0, "min", "x"]


@pytest.mark.parametrize(
    "damage",
    [
        {"blocks": None},
        {"blocks": [[1, 2, 3]]},
        {"blocks": [[1, 0, 9, 2, 3.0, True, None]]},
        {"progress": None},
        {"progress": PROGRESS[:-1]},
        {"progress": [*PROGRESS, []]},
        {"progress": [*PROGRESS[:-1], ["x"]]},
        {"progress": [*PROGRESS[:-2], [NO_EXTREME], []]},
        {"progress": [*PROGRESS[:5], [[0]], *PROGRESS[6:]]},
        {"progress": [*PROGRESS[:6], [None], *PROGRESS[7:]]},
        {"progress": [*PROGRESS[:7], 0, *PROGRESS[8:]]},
        {"malformed": None},
        {"malformed": "1"},
        {"logged_keys": "loss"},
        {"logged_keys": [1]},
        {"first_step": 0.5},
        {"parts": None},
        {"parts": [[1, 2]]},
        {"malformed": 2**64},
        {"progress": [*PROGRESS[:5], [[0, 10**400]], *PROGRESS[6:]]},
    ],
)
def test_an_invalid_numbering_is_refused(damage: dict[str, Json]) -> None:
    with pytest.raises(ValueError, match="not "):
        from_document({**document(FULL), **damage})


def test_integers_are_accepted_for_floats() -> None:
    stored = document(Numbering(blocks=(block(0, 10),)))
    extreme: Json = [0, "min", 2]
    progress: Json = [0, 0, 0, -1, None, [[0, 1]], [], False, [extreme], []]
    read = from_document({**stored, "progress": progress})
    assert read.progress.waiting == ((0, 1.0),)
    assert read.progress.extremes == (Extreme(key=0, kind="min", value=2.0),)
