"""Formatting of values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.point import Json
from sweepd.views import text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202etxt", "\\u202etxt"),
        ("größer ∞", "größer ∞"),
    ],
)
def test_control_characters_are_made_visible(raw: str, shown: str) -> None:
    assert text.clean(raw) == shown


@given(st.text())
def test_a_cleaned_text_is_one_line_without_control_characters(raw: str) -> None:
    shown = text.clean(raw)
    assert not any(ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 for sign in shown)
    assert len(shown.splitlines()) <= 1


def test_a_log_keeps_line_feeds_but_no_other_control_characters() -> None:
    assert text.clean_lines("a\r\nb\x1b[2J\n\t10%\r20%") == "a\nb\\x1b[2J\n\t10%\n20%"


@given(st.dictionaries(st.text(), st.text() | st.floats(allow_nan=False, allow_infinity=False)))
def test_json_is_parsed_back_and_has_no_control_characters(value: dict[str, str | float]) -> None:
    shown = text.json_text(dict(value))
    assert json.loads(shown) == value
    assert not any(ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 for sign in shown)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.123456, "0.1235"), (1234567.0, "1.235e+06"), (float("nan"), "NaN"), (float("-inf"), "-Infinity")],
)
def test_a_number_has_four_significant_digits(value: float, shown: str) -> None:
    assert text.number(value) == shown


def test_cells_distinguish_missing_values_from_false_and_zero() -> None:
    values: list[Json] = [None, False, 0, 0.0, "", [1, "a"]]
    assert [text.cell(value) for value in values] == [
        "-",
        "false",
        "0",
        "0",
        "-",
        '[1, "a"]',
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0s"),
        (4.21, "4.2s"),
        (59.4, "59s"),
        (59.97, "1m00s"),
        (125, "2m05s"),
        (5400, "1h30m"),
        (90000, "1d01h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown
