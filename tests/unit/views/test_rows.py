"""Filters, order and limit of rows."""

from __future__ import annotations

import pytest

from sweepd.errors import InvalidError
from sweepd.views.rows import Choice, Row, lookup

ROWS: list[Row] = [
    {"run": "a-1", "state": "finished", "value": 0.5, "params": {"lr": 0.1, "opt.name": "sgd"}},
    {"run": "a-2", "state": "failed", "value": None, "params": {"lr": 0.01, "opt.name": "adam"}},
    {"run": "a-10", "state": "finished", "value": 0.25, "params": {"lr": 1, "opt.name": "adam"}},
]


def chosen(**choice: object) -> list[object]:
    return [row["run"] for row in Choice(**choice).of(ROWS)]  # type: ignore[arg-type]  # names are checked by the dataclass


def test_a_path_finds_members_and_keys_with_dots() -> None:
    assert lookup(ROWS[0], "params.lr") == 0.1
    assert lookup(ROWS[0], "params.opt.name") == "sgd"
    assert lookup(ROWS[0], "params.missing") is None


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("state=finished", ["a-1", "a-10"]),
        ("state!=finished", ["a-2"]),
        ("value<0.4", ["a-10"]),
        ("params.lr>=0.1", ["a-1", "a-10"]),
        ("params.lr=1.0", ["a-10"]),
        ("params.opt.name~AD", ["a-2", "a-10"]),
    ],
)
def test_a_filter_keeps_the_rows_that_meet_its_condition(condition: str, runs: list[str]) -> None:
    assert chosen(filters=[condition]) == runs


def test_a_filter_without_an_operator_is_refused() -> None:
    with pytest.raises(InvalidError, match="not a filter"):
        chosen(filters=["state"])


def test_rows_without_the_value_are_last_in_both_directions() -> None:
    assert chosen(sort="value") == ["a-10", "a-1", "a-2"]
    assert chosen(sort="-value") == ["a-1", "a-10", "a-2"]


def test_the_limit_is_applied_after_the_order() -> None:
    assert chosen(sort="value", limit=1) == ["a-10"]
    assert chosen(limit=2) == ["a-1", "a-2"]
