"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sweepd.cli.output.table import cut, draw_table, listing, table, wrapped
from sweepd.views.entities import AGENTS, PROJECTS
from sweepd.views.rows import Column, Row
from sweepd.views.run import prior_columns, runs_columns
from sweepd.views.sweep import SWEEPS

COLUMNS = (Column("key", "key"), Column("text", "text", long=True))


def shown(text: str, *, width: int | None) -> str:
    _, line = table([{"key": "k", "text": text}], COLUMNS, colored=False, width=width).splitlines()
    return line.removeprefix("k").lstrip()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("字" * 30, "字" * 30),
        ("字" * 31, "字" * 29 + "…"),
    ],
)
def test_a_long_text_has_at_most_sixty_columns_on_any_terminal(text: str, kept: str) -> None:
    assert shown(text, width=200) == kept
    assert shown(text, width=None) == text


def test_texts_are_truncated_to_the_width_of_a_narrow_terminal() -> None:
    assert shown("word " * 20, width=40) == "word word word word word word word…"


def test_a_column_that_is_not_free_text_is_never_truncated() -> None:
    name = "n" * 200
    assert name in table([{"key": name, "text": ""}], COLUMNS, colored=False, width=80)


def test_empty_columns_are_left_out_on_a_terminal() -> None:
    rows: list[Row] = [{"key": "a", "text": None}, {"key": "b", "text": ""}]
    assert table(rows, COLUMNS, colored=False, width=80) == "KEY\na\nb\n"
    assert table(rows, COLUMNS, colored=False).splitlines()[0] == "KEY  TEXT"
    assert draw_table(rows, COLUMNS, colored=False, width=80, all_of=True)[0].splitlines()[0] == "KEY  TEXT"


def test_columns_that_do_not_fit_are_named() -> None:
    columns = (Column("key", "key"), Column("more", "more", spare=1))
    rows: list[Row] = [{"key": "k" * 40, "more": "m" * 20}]
    assert draw_table(rows, columns, colored=False, width=50) == (f"KEY\n{'k' * 40}\n", ["MORE"])


@pytest.mark.parametrize(("room", "kept"), [(3, "abc"), (2, "a…"), (1, "…"), (0, "…")])
def test_an_ellipsis_marks_a_truncated_text(room: int, kept: str) -> None:
    assert cut("abc", room) == kept


def test_long_values_are_indented_and_wrapped_only_at_blanks() -> None:
    text = listing([("reason", "one two-three /a/path/without/a/blank four")], colored=False, width=30)
    assert text == "reason: one two-three\n        /a/path/without/a/blank\n        four\n"
    assert listing([("a", "b " * 90)], colored=False).count("\n") == 1


@pytest.mark.parametrize("columns", [SWEEPS, AGENTS, PROJECTS, runs_columns([]), prior_columns([])])
def test_csv_has_one_column_per_value(columns: Sequence[Column]) -> None:
    paths = [column.path for column in columns if not column.composed]
    assert len(paths) == len(set(paths))


def test_a_command_is_not_wrapped() -> None:
    line = "no agent serves it; start one: sweep-agent --sweep local/a/b --label x; or not at all"
    assert wrapped(line, 30, "  ") == [
        "no agent serves it; start one:",
        "  sweep-agent --sweep local/a/b --label x;",
        "  or not at all",
    ]
