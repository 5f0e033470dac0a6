from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.metrics_file import MAX_DEPTH, MAX_KEY_LENGTH, MAX_LINE_BYTES
from sweepd_agent.core.rows import MALFORMED, Line, derivation, parse_line


def test_a_row_keeps_the_types_of_its_values() -> None:
    line = parse_line(
        b'{"loss": 0.5, "n": 3, "ok": true, "note": "x", "_step": 7, "_time": 1.5, "_open": true}'
    )
    assert line == Line(values={"loss": 0.5, "n": 3, "ok": True, "note": "x"}, step=7, time=1.5, open=True)


def test_a_line_may_report_a_checkpoint() -> None:
    assert parse_line(b'{"_step": 5, "_checkpoint": 5}') == Line(step=5, checkpoint=5)
    for other in (b"true", b'"5"', b"1.5", b"null", b"9223372036854775808"):
        assert parse_line(b'{"_checkpoint": %s}' % other) == Line()


def test_nan_and_infinities_are_valid_numbers() -> None:
    line = parse_line(b'{"a": NaN, "b": Infinity, "c": -Infinity}')
    assert line is not None
    assert math.isnan(line.values["a"])  # type: ignore[arg-type]
    assert (line.values["b"], line.values["c"]) == (math.inf, -math.inf)


def test_nested_keys_are_joined_with_dots_and_an_exact_name_wins() -> None:
    line = parse_line(b'{"a": {"b": 1, "c": {"d": 2}}, "a.b": 3}')
    assert line is not None
    assert line.values == {"a.b": 3, "a.c.d": 2}
    assert parse_line(b'{"a.b": 3, "a": {"b": 1}}') == Line(values={"a.b": 3})


def test_values_that_cannot_be_metrics_are_left_out() -> None:
    line = parse_line(b'{"none": null, "big": 1' + b"0" * 400 + b', "ok": 1, "_from": ["stdout", 7]}')
    assert line is not None
    assert line.values == {"big": math.inf, "ok": 1}


def test_a_short_list_becomes_text_and_a_long_one_is_left_out() -> None:
    long = b"[" + b"1," * 511 + b"1]"
    line = parse_line(
        b'{"a": [1, {"b": NaN}], "g": {"c": []}, "fits": %s, "long": [1, %s]}' % (long[:-3] + b"]", long)
    )
    assert line is not None
    assert {key: len(str(value)) for key, value in line.values.items()} == {"a": 13, "g.c": 2, "fits": 1023}
    assert line.values["a"] == '[1,{"b":NaN}]'


def test_a_time_beyond_the_range_of_floats_is_infinite() -> None:
    line = parse_line(b'{"_time": 1' + b"0" * 400 + b', "ok": 1}')
    assert line is not None
    assert (line.time, line.values) == (math.inf, {"ok": 1})


@pytest.mark.parametrize("raw", [b"", b"   ", b"\r"])
def test_a_blank_line_is_not_a_row(raw: bytes) -> None:
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
def test_any_bytes_can_be_read(raw: bytes) -> None:
    parse_line(raw)


def test_a_long_text_is_cut_and_a_long_key_left_out() -> None:
    line = parse_line(b'{"t": "' + b"x" * 5000 + b'", "' + b"k" * 257 + b'": 1}')
    assert line is not None
    assert line.values == {"t": "x" * 1024}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"_step": 3.0}', Line(step=3)),
        ('{"_step": 3.5}', Line()),
        ('{"_step": true}', Line()),
        ('{"_step": -9223372036854775808}', Line(step=-(2**63))),
        ('{"_step": 9223372036854775807}', Line(step=2**63 - 1)),
        ('{"_step": 9223372036854775808}', Line()),
        ('{"_time": 3}', Line(time=3.0)),
        ('{"_time": true}', Line()),
        ('{"_time": "3"}', Line()),
        ('{"_open": 1}', Line()),
        ('{"_open": false}', Line()),
        ('{"n": 9223372036854775807}', Line(values={"n": 2**63 - 1})),
        ('{"n": 9223372036854775808}', Line(values={"n": 2.0**63})),
        ('{"a": {"b": null}, "c": false}', Line(values={"c": False})),
    ],
)
def test_each_member_of_a_line_has_its_type(text: str, expected: Line) -> None:
    line = parse_line(text.encode())
    assert line == expected
    assert [type(value) for value in line.values.values()] == [
        type(value) for value in expected.values.values()
    ]


def test_a_number_below_the_range_of_floats_is_infinite() -> None:
    assert parse_line(b'{"a": -1' + b"0" * 400 + b"}") == Line(values={"a": -math.inf})


def test_groups_nest_up_to_a_depth() -> None:
    def nested(groups: int) -> bytes:
        return b'{"a":' * groups + b"1" + b"}" * groups

    deepest = ".".join("a" * (MAX_DEPTH + 2))
    assert parse_line(nested(MAX_DEPTH + 2)) == Line(values={deepest: 1})
    assert parse_line(nested(MAX_DEPTH + 3)) == Line()


def test_keys_and_lines_may_reach_their_limits() -> None:
    key = "k" * MAX_KEY_LENGTH
    assert parse_line(b'{"%s": 1}' % key.encode()) == Line(values={key: 1})
    inner = "k" * (MAX_KEY_LENGTH - 2)
    line = parse_line(b'{"a": {"%s": 1, "%sk": 2}}' % (inner.encode(), inner.encode()))
    assert line == Line(values={f"a.{inner}": 1})
    assert parse_line(b'{"a": 1}'.ljust(MAX_LINE_BYTES)) == Line(values={"a": 1})
    assert parse_line(b'{"a": 1}'.ljust(MAX_LINE_BYTES + 1)) == MALFORMED


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss.min", ("loss", "min")),
        ("a.b.max", ("a.b", "max")),
        ("loss.mean", None),
        (".min", None),
        ("min", None),
    ],
)
def test_a_key_may_be_derived_from_another_one(name: str, expected: tuple[str, str] | None) -> None:
    assert derivation(name) == expected
