"""CSV that is safe for terminals and spreadsheets and keeps numbers unchanged."""

from __future__ import annotations

import csv
import io

import pytest

from sweepd.cli.output.table import csv_text
from sweepd.spec.point import Json


def written(value: Json, *, raw: bool = False) -> str:
    _, (cell, _) = csv.reader(io.StringIO(csv_text(["a", "b"], [[value, 0]], raw=raw), newline=""))
    return cell


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "=", "-", "\uff1d1", "--lr=0.1", "-0.5e", "+-1"],
)
def test_a_formula_is_quoted_with_an_apostrophe_unless_raw_output_is_requested(text: str) -> None:
    assert written(text) == f"'{text}"
    assert written(text, raw=True) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-0.5, "-0.5"),
        (-3, "-3"),
        ("-0.5", "-0.5"),
        ("+1e-07", "+1e-07"),
        ("-.5", "-.5"),
        ("-Infinity", "-Infinity"),
        (None, ""),
        (True, "true"),
        ([1, "=x"], '[1, "=x"]'),
        ("a=b", "a=b"),
        ("it's", "it's"),
    ],
)
def test_numbers_and_other_texts_are_unchanged(value: Json, shown: str) -> None:
    assert written(value) == shown


@pytest.mark.parametrize("start", ["\t", "\r", "\n"])
def test_a_formula_after_a_control_character_is_quoted_too(start: str) -> None:
    assert written(f"{start}=1+1") == f"{start!r}=1+1".replace("'", "")


def test_control_characters_are_escaped_and_a_row_is_one_line() -> None:
    text = csv_text(["metrics.\x1b]0;x\x07", "=h"], [["a\nb\x00", "c,\u202ed"]])
    assert text == 'metrics.\\x1b]0;x\\x07,\'=h\na\\nb\\x00,"c,\\u202ed"\n'


def test_raw_output_is_unchanged() -> None:
    heading, cell = next(
        iter(zip(*csv.reader(io.StringIO(csv_text(["\t=h"], [["a\nb"]], raw=True), newline="")), strict=True))
    )
    assert (heading, cell) == ("\t=h", "a\nb")
