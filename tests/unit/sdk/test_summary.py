"""Summary of a run: last values, defined statistics, and values set by the script, which replace them."""

import copy
import math

import pytest

from sweepd.script.definitions import Definitions, Logged, checked_definition
from sweepd.script.notices import Notices
from sweepd.script.row import suitable
from sweepd.script.run.summary import Summary

ROWS = [{"loss": 3.0}, {"loss": math.nan}, {"loss": 1.0}, {"loss": 2.0}]


def logged(summary: str | None, goal: str | None = None) -> Logged:
    definitions = Definitions()
    if summary is not None:
        definitions.add(checked_definition("loss", summary=summary, goal=goal), overwrite=False)
    rows = Logged(definitions)
    for row in ROWS:
        rows.take(row)
    return rows


@pytest.mark.parametrize(
    ("asked", "goal", "shown"),
    [
        (None, None, {"loss": 2.0}),
        ("min", None, {"loss": {"min": 1.0}}),
        ("max", None, {"loss": {"max": 3.0}}),
        ("mean", None, {"loss": {"mean": 2.0}}),
        ("last", None, {"loss": {"last": 2.0}}),
        ("first", None, {"loss": {"first": 3.0}}),
        ("copy", None, {"loss": 2.0}),
        ("none", None, {}),
        ("min,max,last", None, {"loss": {"min": 1.0, "max": 3.0, "last": 2.0}}),
        ("best", "minimize", {"loss": {"best": 1.0}}),
        ("best", "maximize", {"loss": {"best": 3.0}}),
    ],
)
def test_the_summary_has_the_defined_statistics_of_the_rows(
    asked: str | None, goal: str | None, shown: dict[str, object]
) -> None:
    assert logged(asked, goal).summary() == shown


def test_a_metric_without_a_finite_value_has_no_smallest_one() -> None:
    definitions = Definitions()
    definitions.add(checked_definition("loss", summary="min,mean,last"), overwrite=False)
    rows = Logged(definitions)
    rows.take({"loss": math.inf})
    assert rows.summary() == {"loss": {"last": math.inf}}


def test_an_integer_beyond_the_range_of_floats_counts_as_infinite() -> None:
    definitions = Definitions()
    definitions.add(checked_definition("loss", summary="max,last"), overwrite=False)
    rows = Logged(definitions)
    rows.take({"loss": 1})
    rows.take({"loss": 10**400})
    assert rows.summary() == {"loss": {"max": 1, "last": 10**400}}


def test_nested_metrics_stay_nested_and_are_defined_by_dotted_names() -> None:
    definitions = Definitions()
    definitions.add(checked_definition("train.*", summary="min"), overwrite=False)
    rows = Logged(definitions)
    for value in (2, 1, 3):
        rows.take({"train": {"loss": value}, "val": {"loss": value}})
    assert rows.summary() == {"train": {"loss": {"min": 1}}, "val": {"loss": 3}}


def test_members_of_a_group_that_a_row_lacks_stay() -> None:
    rows = Logged(Definitions())
    rows.take({"a": {"b": 1, "c": {"d": 2}}})
    rows.take({"a": {"b": 3, "c": {"e": 4}}})
    assert rows.summary() == {"a": {"b": 3, "c": {"d": 2, "e": 4}}}
    rows.take({"a": 5})
    rows.take({"a": {"b": 6}})
    assert rows.summary() == {"a": {"b": 6}}


class Changes:
    def __init__(self, asked: str | None = None) -> None:
        self.count = 0
        self.rows = logged(asked)
        self.summary = Summary(self.rows.summary, lambda values: suitable(values, Notices()), self.changed)

    def changed(self) -> None:
        self.count += 1


def test_values_set_by_the_script_take_precedence_over_logged_ones() -> None:
    run = Changes("min")
    run.summary["loss"] = 0.25
    run.rows.take({"loss": 0.0})
    assert run.summary["loss"] == 0.25
    assert run.summary.explicit() == {"loss": 0.25}
    del run.summary["loss"]
    assert run.summary == {"loss": {"min": 0.0}}


def test_items_are_attributes_at_every_depth_and_groups_are_merged() -> None:
    run = Changes("min,max")
    run.summary.best = 1
    run.summary["test"] = {"acc": 0.5}
    run.summary["test"]["f1"] = 0.25  # type: ignore[index]
    run.summary.test.auc = 0.75  # type: ignore[attr-defined]
    run.summary["loss"]["note"] = "ours"  # type: ignore[index]
    assert run.summary.test.acc == 0.5  # type: ignore[attr-defined]
    assert run.summary == {
        "loss": {"min": 1.0, "max": 3.0, "note": "ours"},
        "best": 1,
        "test": {"acc": 0.5, "f1": 0.25, "auc": 0.75},
    }
    assert run.summary.explicit() == {
        "best": 1,
        "test": {"acc": 0.5, "f1": 0.25, "auc": 0.75},
        "loss": {"note": "ours"},
    }
    assert run.count == 5


def test_update_is_one_change_and_reading_is_that_of_a_dictionary() -> None:
    run = Changes()
    run.summary.update({"a": 1, "b": 2}, c=3)
    assert run.count == 1
    assert list(run.summary) == list(run.summary.keys()) == ["loss", "a", "b", "c"]
    assert dict(run.summary.items())["b"] == 2
    assert run.summary.get("d", 7) == 7
    assert len(run.summary) == 4
    assert "a" in run.summary
    assert run.summary.as_dict() == {"loss": 2.0, "a": 1, "b": 2, "c": 3}
    copied = copy.deepcopy(run.summary.as_dict())
    copied["a"] = 9
    assert run.summary["a"] == 1


def test_the_error_for_a_missing_key_names_it() -> None:
    run = Changes()
    with pytest.raises(AttributeError, match="'acc'"):
        _ = run.summary.acc
    with pytest.raises(KeyError, match="acc"):
        _ = run.summary["acc"]
    with pytest.raises(KeyError):
        del run.summary["acc"]


def test_values_that_cannot_be_written_are_left_out_and_the_rest_is_set(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = Changes()
    run.summary.update({"acc": object(), "f1": 0.5, 3: 4})  # type: ignore[dict-item]  # as scripts do
    assert run.summary == {"loss": 2.0, "f1": 0.5, "3": 4}
    assert "'acc'" in caplog.text
