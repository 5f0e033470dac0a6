"""JSON documents that scripts rely on."""

from __future__ import annotations

import json
import re

from sweepd import v1
from sweepd.cli.output.table import distinct
from sweepd.cli.show.describe import describe_run, describe_sweep
from sweepd.views.rows import Choice
from sweepd.views.run import run_shape, runs_columns
from sweepd.views.sweep import sweep_shape
from sweepd.views.values import point_shapes
from unit.cli.messages import NAME, a_run, a_sweep, a_time


def test_a_run_has_the_documented_fields() -> None:
    run = a_run(7, value=0.25, params={"lr": 0.5, "layers": [1, 2], "opt": {"name": "adam"}, "flag": True})
    run.attempts[0].exit.CopyFrom(v1.Exit(cause=v1.EXIT_CAUSE_EXITED, code=0))
    shape = run_shape(run)
    assert json.loads(json.dumps(shape)) == shape
    assert shape["run"] == f"{NAME}-7"
    assert shape["sweep"] == NAME
    assert (shape["number"], shape["state"], shape["attempt"]) == (7, "finished", 1)
    assert shape["params"] == {"lr": 0.5, "layers": [1, 2], "opt": {"name": "adam"}, "flag": True}
    assert shape["value"] == 0.25
    assert shape["attempts"] == [
        {
            "attempt": 1,
            "agent": "agent-1",
            "host": "box",
            "state": "ended",
            "reason": None,
            "exit": {"cause": "exited", "code": 0, "signal": None, "message": None},
            "argv": ["/usr/bin/env", "python", "train.py", "--lr=0.5"],
            "resumedFromStep": None,
            "storage": None,
            "logBytes": None,
            "assignTime": "2023-11-14T22:13:27Z",
            "startTime": None,
            "endTime": None,
        }
    ]


def test_a_suggested_run_shows_the_number_of_observations_it_was_based_on() -> None:
    run = a_run(7)
    run.provenance.CopyFrom(v1.Provenance(source=v1.POINT_SOURCE_FRESH, observations_seen=1))
    assert "fresh, after 1 value\n" in describe_run(run_shape(run), colored=False)
    run.provenance.observations_seen = 2
    assert "fresh, after 2 values\n" in describe_run(run_shape(run), colored=False)


def test_a_sweep_counts_its_runs_by_state() -> None:
    sweep = a_sweep()
    sweep.run_counts.CopyFrom(v1.RunCounts(finished=2, running=1))
    sweep.best_run, sweep.best_value = f"{NAME}-1", 0.5
    shape = sweep_shape(sweep)
    assert shape["state"] == "running"
    assert shape["ending"] is None
    assert shape["plannedRuns"] == 3
    assert shape["metric"] == {"name": "val_loss", "goal": "minimize", "target": None, "value": "best"}
    assert shape["best"] == {"run": f"{NAME}-1", "value": 0.5}
    runs = shape["runs"]
    assert isinstance(runs, dict)
    assert (runs["finished"], runs["running"], runs["failed"]) == (2, 1, 0)


def test_a_sweep_has_its_rules_with_their_defaults() -> None:
    shape = sweep_shape(a_sweep())
    assert shape["retry"] == {"infrastructure": 3, "failure": 0}
    assert shape["guard"] == {"agent": 5, "sweep": None}
    assert (shape["repeats"], shape["aggregate"], shape["canary"], shape["shuffle"]) == (
        1,
        None,
        False,
        False,
    )
    assert (shape["tags"], shape["metadata"], shape["requires"], shape["zip"]) == ([], {}, {}, [])
    assert (shape["earlyTerminate"], shape["sweepTimeoutSeconds"], shape["guardedAgents"]) == ([], None, [])
    sweep = a_sweep()
    sweep.spec.repeats, sweep.spec.canary = 3, True
    sweep.spec.early_terminations.add().hyperband.CopyFrom(v1.Hyperband(min_iter=2, eta=3, strict=False))
    sweep.spec.early_terminations.add().asha.CopyFrom(v1.Asha(min_iter=1, eta=2, max_iter=9))
    sweep.spec.early_terminations.add().median.CopyFrom(v1.MedianRule(min_iter=1, interval=2, min_runs=3))
    sweep.spec.early_terminations.add().patience.CopyFrom(v1.Patience(iterations=4, min_delta=0.5))
    sweep.spec.early_terminations.add().threshold.CopyFrom(v1.Threshold(at=5, value=0.25))
    sweep.spec.sweep_timeout.FromMilliseconds(1500)
    sweep.spec.requires["gpu"] = "a100"
    sweep.guarded_agents.append("a1")
    shape = sweep_shape(sweep)
    assert json.loads(json.dumps(shape)) == shape
    assert (shape["repeats"], shape["aggregate"], shape["canary"]) == (3, "mean", True)
    assert shape["earlyTerminate"] == [
        {"type": "hyperband", "min_iter": 2, "eta": 3.0, "strict": False},
        {"type": "asha", "min_iter": 1, "eta": 2.0, "max_iter": 9},
        {"type": "median", "min_iter": 1, "interval": 2, "min_runs": 3},
        {"type": "patience", "iterations": 4, "min_delta": 0.5},
        {"type": "threshold", "at": 5, "value": 0.25},
    ]
    assert shape["sweepTimeoutSeconds"] == 1.5
    assert shape["guardedAgents"] == ["a1"]
    text = describe_sweep(shape, colored=False)
    for line in (
        "3 runs of each point; value: mean",
        "one run first, until it has logged the objective",
        "asha min_iter=1 eta=2 max_iter=9",
        "gpu=a100",
        "1.5s",
        "a1",
    ):
        assert line in text


def test_absent_values_are_null_and_never_left_out() -> None:
    shape = sweep_shape(a_sweep(cap=None))
    assert shape["runCap"] is None
    assert shape["best"] is None
    assert shape["objectiveMissing"] is None


def test_points_keep_values_that_are_not_finite() -> None:
    chunk = v1.SeriesChunk(
        rows=[1, 2, 3],
        steps=[0, 1, 2],
        times=[1_700_000_000.5, 0.0, float("nan")],
        doubles=v1.DoubleValues(values=[1.5, float("nan"), float("-inf")]),
    )
    points = list(point_shapes(v1.Series(run=f"{NAME}-1", attempt=1, key="loss", chunks=[chunk])))
    assert [point["value"] for point in points] == [1.5, "NaN", "-Infinity"]
    assert [point["time"] for point in points] == ["2023-11-14T22:13:20.500Z", None, None]
    assert points[0] == {
        "run": f"{NAME}-1",
        "attempt": 1,
        "row": 1,
        "step": 0,
        "time": "2023-11-14T22:13:20.500Z",
        "key": "loss",
        "value": 1.5,
    }


def test_times_are_utc() -> None:
    sweep = a_sweep()
    sweep.end_time.CopyFrom(a_time(60))
    assert sweep_shape(sweep)["endTime"] == "2023-11-14T22:14:20Z"


def test_a_run_is_shown_with_the_first_keys_of_its_summary() -> None:
    shape = run_shape(a_run())
    shown = describe_run(shape, colored=False, summary={"loss": {"min": 0.25}, "size": 7})
    assert re.search(r"^summary: +loss.min=0.25\n +size=7$", shown, re.MULTILINE)
    many = describe_run(shape, colored=False, summary={f"k{number:02}": number for number in range(42)})
    assert re.search(r"^ +k39=39\n +… and 2 more: sweepctl export ", many, re.MULTILINE)
    few = describe_run(shape, colored=False, summary={f"k{number:02}": number for number in range(40)})
    assert "more" not in few


def test_the_column_of_names_is_shown_if_a_run_has_a_name() -> None:
    plain, named = a_run(1), a_run(2)
    named.display_name = "baseline"
    shapes = [run_shape(plain), run_shape(named)]
    assert [shape["displayName"] for shape in shapes] == [None, "baseline"]
    for rows, narrow in ((shapes, True), (shapes[:1], False)):
        (column,) = [each for each in runs_columns(rows) if each.heading == "name"]
        assert column.wide is not narrow
        assert [column.text(row) for row in rows] == ["-", "baseline"][: len(rows)]


def test_runs_have_the_tags_set_by_their_scripts() -> None:
    plain, tagged = a_run(1), a_run(2)
    tagged.tags.extend(["baseline", "größer"])
    rows = [run_shape(plain), run_shape(tagged)]
    (column,) = [each for each in runs_columns(rows) if each.heading == "tags"]
    assert column.wide
    assert [column.text(row) for row in rows] == ["-", "baseline, größer"]
    assert Choice(filters=["tags=baseline"]).of(rows) == rows[1:]


def test_a_parameter_with_the_name_of_another_column_gets_a_distinct_heading() -> None:
    run = a_run(1, params={"lr": 0.1, "name": "a", "state": 1})
    for display_name, heading in (("", "name"), ("baseline", "params.name")):
        run.display_name = display_name
        shown = [column for column in runs_columns([run_shape(run)]) if not column.wide]
        headings = [column.heading for column in distinct(shown)]
        assert len(set(headings)) == len(headings)
        assert {heading, "lr", "state", "params.state"} <= set(headings)
