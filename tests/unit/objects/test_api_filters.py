"""Runs are filtered by conditions as scripts for W&B write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sweepd import InvalidError
from sweepd.objects.api_runs import ABSENT, matches

RUN: dict[str, object] = {
    "state": "finished",
    "display_name": "baseline-3",
    "tags": ["a", "b"],
    "created_at": "2026-11-27T02:00:00+00:00",
    "config.lr": 0.1,
    "config.flag": True,
    "config.none": None,
}


@pytest.mark.parametrize(
    ("filters", "chosen"),
    [
        ({}, True),
        ({"state": "finished", "config.lr": 0.1}, True),
        ({"state": "finished", "config.lr": 0.2}, False),
        ({"tags": "a"}, True),
        ({"tags": "c"}, False),
        ({"tags": {"$in": ["c", "b"]}}, True),
        ({"tags": {"$nin": ["c", "b"]}}, False),
        ({"state": {"$ne": "crashed"}}, True),
        ({"state": {"$eq": "crashed"}}, False),
        ({"config.lr": {"$gt": 0.01, "$lte": 0.1}}, True),
        ({"config.lr": {"$lt": 0.1}}, False),
        ({"config.lr": {"$gte": "0.1"}}, False),
        ({"config.nothing": {"$gt": 0}}, False),
        ({"config.nothing": {"$exists": False}}, True),
        ({"config.none": {"$exists": True}}, True),
        ({"config.nothing": None, "config.none": None}, True),
        ({"config.flag": True}, True),
        ({"config.flag": 1}, False),
        ({"display_name": {"$regex": "^base.*"}}, True),
        ({"display_name": {"$regex": "BASE", "$options": "i"}}, True),
        ({"display_name": {"$not": {"$regex": "^base"}}}, False),
        ({"created_at": {"$gte": "2026-11-01", "$lt": datetime(2026, 12, 1, tzinfo=UTC)}}, True),
        ({"$or": [{"state": "running"}, {"config.lr": {"$gt": 0}}]}, True),
        ({"$and": [{"state": "finished"}, {"tags": "c"}]}, False),
        ({"$nor": [{"state": "running"}, {"tags": "c"}]}, True),
        ({"$not": {"state": "finished"}}, False),
    ],
)
def test_a_filter_selects_the_runs_that_meet_its_conditions(filters: dict[str, object], chosen: bool) -> None:
    assert matches(filters, lambda name: RUN.get(name, ABSENT)) is chosen


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"$where": "1"}, r"operator \$where is not supported"),
        ({"state": {"$size": 1}}, r"operator \$size is not supported"),
        ({"$or": {"state": "a"}}, r"\$or requires a list, not dict"),
        ({"state": {"$in": "finished"}}, r"\$in requires a list, not str"),
        ({"$and": ["a"]}, r"\$and requires conditions, not str"),
        ({"display_name": {"$regex": "("}}, "is not a valid pattern"),
    ],
)
def test_an_invalid_condition_is_refused(filters: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidError, match=message):
        matches(filters, lambda name: RUN.get(name, ABSENT))
