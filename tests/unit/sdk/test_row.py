"""Conversion of values for the metrics file."""

import datetime as dt
import decimal
import json
import logging
import math
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.metrics_file import MAX_LINE_BYTES, RESERVED
from sweepd.script.notices import Notices
from sweepd.script.row import encode, suitable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def encoded(metrics: dict[str, object]) -> dict[str, object]:
    line, _ = encode({"_step": 1}, suitable(metrics, Notices()), Notices())
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    row: dict[str, object] = json.loads(line)
    assert row.pop("_step") == 1
    return row


@pytest.mark.lengthy
@given(st.dictionaries(st.text(min_size=1).filter(lambda key: key not in RESERVED), JSON))
def test_json_values_are_unchanged_and_each_row_is_one_line(metrics: dict[str, object]) -> None:
    assert encoded(metrics) == metrics


def test_nan_and_infinities_are_tokens() -> None:
    metrics = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": np.float32("nan")}
    line, _ = encode({}, suitable(metrics, Notices()), Notices())
    assert line == b'{"a":NaN,"b":Infinity,"c":-Infinity,"d":NaN}\n'


def test_numbers_of_other_libraries_are_converted_to_python_numbers() -> None:
    class Tensor:
        def item(self) -> float:
            return 0.25

    class Symbol:
        def __float__(self) -> float:
            return 0.5

    row = encoded(
        {
            "f64": np.float64(0.1),
            "f32": np.float32(0.5),
            "i64": np.int64(2**62),
            "flag": np.bool_(True),
            "one": np.array([3]),
            "long": np.longdouble(1.5),
            "tensor": Tensor(),
            "symbol": Symbol(),
            "decimal": decimal.Decimal("0.125"),
            "nested": {"f32": np.float32(0.5), "list": [np.int8(1)]},
            "when": dt.datetime(2026, 12, 1, 20, 15, tzinfo=dt.UTC),
            "bytes": "é".encode(),
            "set": {np.int8(1)},
        }
    )
    assert row == {
        "f64": 0.1,
        "f32": 0.5,
        "i64": 2**62,
        "flag": True,
        "one": 3,
        "long": 1.5,
        "tensor": 0.25,
        "symbol": 0.5,
        "decimal": 0.125,
        "nested": {"f32": 0.5, "list": [1]},
        "when": "2026-12-01T20:15:00+00:00",
        "bytes": "é",
        "set": [1],
    }
    assert row["flag"] is True
    assert isinstance(row["one"], int)


def test_values_that_cannot_be_written_are_left_out_and_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        def item(self) -> float:
            raise RuntimeError("on another device")

    class Changing(dict[str, object]):
        def items(self) -> NoReturn:
            raise RuntimeError("dictionary changed size during iteration")

    class Hostile:
        def __getattr__(self, name: str) -> object:
            raise OSError(name)

    circle: list[object] = []
    circle.append(circle)
    unsuitable = {
        "array": np.zeros(3),
        "complex": 1j,
        "circle": circle,
        "broken": Broken(),
        "_time": 3,
        "": 3,
        "keys": {(1, 2): 3},
        "changing": Changing(),
        "hostile": Hostile(),
        "edges": np.array([np.timedelta64(1, "s")]),
        "imaginary": np.array([1 + 2j]),
        "digits": 10**5_000,
        "inner digits": {"n": [10**5_000]},
    }
    notices = Notices()
    for _ in range(2):
        line, _ = encode({"_step": 7}, suitable({"loss": 0.5, **unsuitable}, notices), notices)
        assert json.loads(line) == {"_step": 7, "loss": 0.5}
    assert len(caplog.records) == len(unsuitable)
    for key, record in zip(unsuitable, caplog.records, strict=True):
        assert repr(key) in record.message
        assert record.levelno == logging.WARNING


def test_a_row_over_the_size_limit_loses_only_its_longest_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    notices = Notices()
    metrics: dict[str, object] = {
        "a": "x" * 700_000,
        "loss": 1,
        "b": "x" * 800_000,
        "k" * 257: 1,
        "k" * 256: 2,
    }
    for _ in range(2):
        line, values = encode({"_step": 1}, suitable(metrics, notices), notices)
        assert len(line) <= MAX_LINE_BYTES
        assert values == {"a": "x" * 700_000, "loss": 1, "k" * 256: 2}
        assert json.loads(line) == {"_step": 1, **values}
    assert ["longer than" in record.message for record in caplog.records] == [True, True]


def test_a_list_in_a_row_is_reported_once_and_kept(caplog: pytest.LogCaptureFixture) -> None:
    notices = Notices()
    long = list(range(1_000))
    metrics = {"x": long, "group": {"pair": tuple(long), "n": 1}, "y": (1, 2), "z": 1}
    for _ in range(2):
        values = suitable(metrics, notices, for_rows=True)
        assert values == {"x": long, "group": {"pair": long, "n": 1}, "y": [1, 2], "z": 1}
    assert [record.message.partition(":")[2].partition(" (")[0] for record in caplog.records] == [
        " the value of 'x' is a list of more than 1,024 characters",
        " the value of 'group.pair' is a list of more than 1,024 characters",
    ]


def test_values_that_are_not_stored_from_rows_are_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    notices = Notices()
    deep: object = 1
    for _ in range(34):
        deep = {"d": deep}
    metrics = {
        "none": None,
        "group": {"none": None, "empty": {}, "n": 1},
        "text": "x" * 1_025,
        "deep": deep,
        "long": {"k" * 252: 1},
        "fine": {"k" * 251: 1, "text": "x" * 1_024},
    }
    for _ in range(2):
        assert suitable(metrics, notices, for_rows=True) == metrics
    named = [record.message.split("'")[1] for record in caplog.records]
    assert named == [
        "none",
        "group.none",
        "group.empty",
        "text",
        "deep" + ".d" * 33,
        ("long." + "k" * 252)[:40],
    ]
    caplog.clear()
    assert suitable(metrics, Notices()) == metrics, "a summary has all of them"
    assert not caplog.records


def test_lists_in_a_summary_and_lists_of_files_are_not_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert suitable({"x": [1]}, Notices()) == {"x": [1]}
    kept = suitable({"img": [object()]}, Notices(), lambda key, value: ["a.png", "b.png"], for_rows=True)
    assert kept == {"img": {"0": "a.png", "1": "b.png"}}
    assert not caplog.records
    many = [f"{number}.png" for number in range(33)]
    kept = suitable({"img": [object()]}, Notices(), lambda key, value: many, for_rows=True)
    assert kept == {"img": {str(number): path for number, path in enumerate(many[:32])}}
    assert "the row lists only the first 32 of the 33 files of 'img'" in caplog.records[0].message
