from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.metrics_file import MAX_LINE_BYTES
from sweepd_agent.core.rows import Line, parse_line


def test_a_row_keeps_the_types_of_its_values() -> None:
    line = parse_line(
        b'{"loss": 0.5, "n": 3, "ok": true, "note": "x", "_step": 7, "_time": 1.5, "_open": true}'
    )
    assert line == Line(values={"loss": 0.5, "n": 3, "ok": True, "note": "x"}, step=7, time=1.5, open=True)


def test_a_line_may_say_that_a_checkpoint_was_saved() -> None:
    assert parse_line(b'{"_step": 5, "_checkpoint": 5}') == Line(step=5, checkpoint=5)
    for other in (b"true", b'"5"', b"1.5", b"null", b"9223372036854775808"):
        assert parse_line(b'{"_checkpoint": %s}' % other) == Line()


def test_numbers_that_are_no_numbers_are_legal() -> None:
    line = parse_line(b'{"a": NaN, "b": Infinity, "c": -Infinity}')
    assert line is not None
    assert math.isnan(line.values["a"])  # type: ignore[arg-type]
    assert (line.values["b"], line.values["c"]) == (math.inf, -math.inf)


def test_nested_keys_are_joined_with_dots_and_an_exact_name_wins() -> None:
    line = parse_line(b'{"a": {"b": 1, "c": {"d": 2}}, "a.b": 3}')
    assert line is not None
    assert line.values == {"a.b": 3, "a.c.d": 2}
    assert parse_line(b'{"a.b": 3, "a": {"b": 1}}') == Line(values={"a.b": 3})


def test_what_no_metric_can_be_is_left_out() -> None:
    line = parse_line(b'{"none": null, "big": 1' + b"0" * 400 + b', "ok": 1, "_from": ["stdout", 7]}')
    assert line is not None
    assert line.values == {"big": math.inf, "ok": 1}


def test_a_short_list_is_its_text_and_a_long_one_left_out() -> None:
    long = b"[" + b"1," * 511 + b"1]"
    line = parse_line(
        b'{"a": [1, {"b": NaN}], "g": {"c": []}, "fits": %s, "long": [1, %s]}' % (long[:-3] + b"]", long)
    )
    assert line is not None
    assert {key: len(str(value)) for key, value in line.values.items()} == {"a": 13, "g.c": 2, "fits": 1023}
    assert line.values["a"] == '[1,{"b":NaN}]'


def test_a_time_that_no_float_holds_is_infinite() -> None:
    line = parse_line(b'{"_time": 1' + b"0" * 400 + b', "ok": 1}')
    assert line is not None
    assert (line.time, line.values) == (math.inf, {"ok": 1})


@pytest.mark.parametrize("raw", [b"", b"   ", b"\r"])
def test_a_blank_line_is_no_row(raw: bytes) -> None:
    assert parse_line(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense",
        b"[1]",
        b"3",
        b'{"a": 0.1, "b{"a": 2}',
        b'\xff{"a": 1}',
        b"[" * 100_000,
        b" " * MAX_LINE_BYTES + b"{}",
    ],
)
def test_a_malformed_line_is_a_row_without_values(raw: bytes) -> None:
    line = parse_line(raw)
    assert line is not None
    assert line.malformed
    assert not line.values


@given(st.binary(max_size=200))
def test_no_bytes_break_it(raw: bytes) -> None:
    parse_line(raw)


def test_a_long_text_is_cut_and_a_long_key_left_out() -> None:
    line = parse_line(b'{"t": "' + b"x" * 5000 + b'", "' + b"k" * 257 + b'": 1}')
    assert line is not None
    assert line.values == {"t": "x" * 1024}
