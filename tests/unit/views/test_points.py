"""Points in tables and on one line."""

from __future__ import annotations

from sweepd.cli.output.table import table
from sweepd.views.rows import Row, has, param_columns, param_paths, point, point_lines


def test_a_group_has_one_entry_per_member() -> None:
    params: Row = {"lr": 0.123456, "opt": {"kind": "sgd", "in\x1b": {"deep": 1}}, "none": None, "on": True}
    assert point({"opt": {"kind": "sgd", "sub": {"deep": 1}}}) == "opt.kind=sgd opt.sub.deep=1"
    assert point_lines(params).splitlines() == [
        "lr=0.1235",
        'opt={"kind": "sgd", "in\\u001b": {"deep": 1}}',
        "none=null",
        "on=true",
    ]
    assert (point({}), point(None), point_lines({})) == ("", "-", "-")


def test_a_group_in_every_run_has_one_column_per_member() -> None:
    points: list[Row] = [
        {"opt": {"kind": "adam"}, "mixed": {"a": 1}, "b": 1},
        {"opt": {"kind": "sgd", "momentum": 0.9}, "mixed": 3},
    ]
    assert param_paths([*points, None]) == ["b", "mixed", "opt.kind", "opt.momentum"]
    assert param_paths([{"e": {}}, {"odd": {"no name": 1}}]) == ["e", "odd"]


def test_null_is_shown_as_null_and_a_missing_parameter_as_a_dash() -> None:
    rows: list[Row] = [
        {"params": {"flag": None, "opt": {"m": None}}},
        {"params": {"opt": {"k": 0.123456}}},
        {"params": {}},
    ]
    columns = param_columns(row["params"] for row in rows)
    assert table(rows, columns, colored=False).splitlines() == [
        "FLAG  OPT.K   OPT.M",
        "null  -       null",
        "-     0.1235  -",
        "-     -       -",
    ]
    assert has({"a.b": {"c": None}}, "a.b.c")
    assert not has({"a": None}, "a.b")
