"""Tables for people."""

from __future__ import annotations

import pytest

from sweepd.cli.table import Column, table

COLUMNS = (Column("key", "key"), Column("text", "text", long=True))


def shown(text: str, *, short: bool) -> str:
    _, line = table([{"key": "k", "text": text}], COLUMNS, colored=False, short=short).splitlines()
    return line.removeprefix("k").lstrip()


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("字" * 30, "字" * 30),
        ("字" * 31, "字" * 29 + "…"),
    ],
)
def test_a_long_text_is_cut_to_sixty_columns_where_lines_are_short(text: str, cut: str) -> None:
    assert shown(text, short=True) == cut
    assert shown(text, short=False) == text


def test_what_is_not_long_by_nature_is_never_cut() -> None:
    name = "n" * 200
    assert name in table([{"key": name, "text": ""}], COLUMNS, colored=False, short=True)
