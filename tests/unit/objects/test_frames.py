"""Columns keep the types of their values, in every kind of frame."""

from __future__ import annotations

import math
import sys

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sweepd import MissingExtraError, v1
from sweepd.objects import frames
from sweepd.objects.frames import column, columns_of
from sweepd.objects.results import History
from sweepd.views.run import FRAME_KINDS, run_rows
from sweepd.views.values import json_row
from unit.objects.messages import NOON, a_run, a_series

COLUMNS = [
    column("int", [1, None, 2**62]),
    column("float", [1, 2.5, None]),
    column("nan", [math.nan, None, math.inf]),
    column("bool", [True, None, False]),
    column("text", ["a", None, "ü"]),
    column("time", [NOON, None, NOON]),
    column("mixed", [1, "auto", [1, 2]]),
    column("large", [2**60 + 1, 0.5, None]),
    column("flag", [True, 1, None]),
    column("nothing", [None, None, None]),
]


def test_the_type_of_a_column_fits_all_its_values() -> None:
    kinds = {each.name: each.kind for each in COLUMNS}
    assert kinds == {
        "int": "int",
        "float": "float",
        "nan": "float",
        "bool": "bool",
        "text": "text",
        "time": "time",
        "mixed": "mixed",
        "large": "mixed",
        "flag": "mixed",
        "nothing": "null",
    }


def test_pandas_columns_have_nullable_types() -> None:
    frame = frames.to_pandas(COLUMNS)
    types = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    assert types["int"] == "Int64"
    assert types["float"] == types["nan"] == "float64"
    assert (types["bool"], types["text"], types["time"]) == ("boolean", "string", "datetime64[us, UTC]")
    assert types["mixed"] == types["nothing"] == "object"
    assert frame["int"][2] == 2**62
    assert [pd.isna(value) for value in frame["int"]] == [False, True, False]
    assert frame["mixed"].tolist() == [1, "auto", [1, 2]]
    assert frame["time"][0] == NOON


@pytest.mark.parametrize("of", ["polars", "arrow"])
def test_polars_and_arrow_distinguish_missing_from_nan(of: str) -> None:
    if of == "polars":
        frame = frames.to_polars(COLUMNS)
        assert frame.schema["int"] == pl.Int64
        assert frame.schema["time"] == pl.Datetime("us", "UTC")
        assert frame.schema["nothing"] == pl.Null
        values = {name: frame[name].to_list() for name in frame.columns}
    else:
        table = frames.to_arrow(COLUMNS)
        assert table.schema.field("int").type == pa.int64()
        assert table.schema.field("nothing").type == pa.null()
        values = {name: table[name].to_pylist() for name in table.column_names}
    assert values["int"] == [1, None, 2**62]
    assert values["float"] == [1.0, 2.5, None]
    assert math.isnan(values["nan"][0])
    assert values["nan"][1:] == [None, math.inf]
    assert values["bool"] == [True, None, False]
    assert values["time"] == [NOON, None, NOON]
    assert values["mixed"] == ["1", "auto", "[1, 2]"]
    assert values["large"] == [str(2**60 + 1), "0.5", None]
    assert values["flag"] == ["true", "1", None]


def test_a_sweep_without_runs_has_the_fixed_columns() -> None:
    columns = columns_of(run_rows([], []), FRAME_KINDS)
    assert [each.name for each in columns] == [*FRAME_KINDS]
    assert frames.to_polars(columns).schema["endTime"] == pl.Datetime("us", "UTC")
    assert frames.to_arrow(columns).schema.field("value").type == pa.float64()
    assert str(frames.to_pandas(columns).dtypes["number"]) == "Int64"


def test_rows_have_grouped_parameters_and_the_last_logged_values() -> None:
    runs = [
        a_run(1, 0.5, params={"lr": 1, "opt": {"kind": "adam", "beta": 2}}, minute=1),
        a_run(2, params={"lr": 0.5, "opt": {"kind": "sgd"}}, state=v1.RUN_STATE_FAILED, reason="oops"),
    ]
    summaries = [
        v1.KeySummary(run="a/b/c-1", key="n", last=v1.MetricValue(int_value=3)),
        v1.KeySummary(run="a/b/c-2", key="loss", last=v1.MetricValue(double_value=math.nan)),
    ]
    runs[0].display_name = "baseline"
    first, second = run_rows(runs, summaries)
    assert (first["displayName"], second["displayName"]) == ("baseline", None)
    assert (
        [*first]
        == [*second]
        == [
            *FRAME_KINDS,
            *("params.lr", "params.opt.beta", "params.opt.kind", "metrics.loss", "metrics.n"),
        ]
    )
    assert (first["params.opt.beta"], second["params.opt.beta"]) == (2, None)
    assert (first["metrics.n"], first["metrics.loss"], second["metrics.n"]) == (3, None, None)
    assert (second["reason"], second["value"], second["endTime"]) == ("oops", None, None)
    shape = json_row(second)
    assert (shape["metrics.loss"], json_row(first)["endTime"]) == ("NaN", "2026-01-01T12:01:00Z")


def test_a_history_merges_keys_attempts_and_chunks() -> None:
    history = History(
        "a/b/c-1",
        [
            a_series("n", 1, 2, attempt=1),
            a_series("loss", 0.5, attempt=2),
            a_series("loss", 0.25, attempt=2, first_row=2),
            a_series("n", 7, attempt=2, first_row=2),
        ],
    )
    assert (history.attempts, history.rows) == ([1, 1, 2, 2], [1, 2, 1, 2])
    assert dict(history) == {"loss": [None, None, 0.5, 0.25], "n": [1, 2, None, 7]}
    assert history.points("n") == ([0, 1, 1], [1, 2, 7])
    assert history.times[0] == NOON
    assert history.to_dicts()[2]["values"] == {"loss": 0.5}
    assert repr(history) == "<History of a/b/c-1: 4 rows of loss, n>"
    assert history.to_polars()["values.n"].to_list() == [1, 2, None, 7]


@pytest.mark.parametrize(
    ("library", "make"),
    [("pandas", frames.to_pandas), ("polars", frames.to_polars), ("pyarrow", frames.to_arrow)],
)
def test_a_missing_library_is_reported_with_the_command_that_installs_it(
    library: str, make: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert callable(make)
    with pytest.raises(MissingExtraError, match=f"^{library} is not installed: pip install {library}$"):
        make(COLUMNS)


def test_consecutive_rows_of_one_step_are_merged_with_the_newest_values() -> None:
    series = [
        a_series("loss", 0.5, 0.25, 0.125, steps=[0, 0, 1]),
        a_series("note", "a", "b", first_row=2, steps=[0, 1]),
        a_series("epoch", 0, 9, first_row=4, steps=[1, 0]),
        a_series("loss", 4.0, attempt=2, first_row=1, steps=[0]),
    ]
    history = History("a/b/c-1", series)
    assert (history.attempts, history.rows, history.steps) == ([1, 1, 1, 2], [2, 4, 5, 1], [0, 1, 0, 0])
    assert dict(history) == {
        "loss": [0.25, 0.125, None, 4.0],
        "note": ["a", "b", None, None],
        "epoch": [None, 0, 9, None],
    }
    assert [row["values"] for row in history.to_dicts()][:2] == [
        {"loss": 0.25, "note": "a"},
        {"loss": 0.125, "note": "b", "epoch": 0},
    ]
    assert History("a/b/c-1", series, by_step=False).rows == [1, 2, 3, 4, 5, 1]
