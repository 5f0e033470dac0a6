"""Sweeps and runs read with both clients from a real server equal the output of `sweepctl`."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from IPython.core.formatters import HTMLFormatter

from sweepd import Client, InvalidError, NotFoundError
from sweepd.calls import logs
from sweepd.views.values import json_row
from system.objects.conftest import Here


def test_a_sweep_is_found_by_any_of_its_names(client: Any, here: Here) -> None:
    entity, project, id_ = here.ended.split("/")
    for name in (f"{project}/{id_}", id_):
        assert client.sweep(name) == client.sweep(here.ended)
    sweep = client.sweep(here.ended)
    assert (sweep.name, sweep.entity, sweep.project, sweep.id) == (here.ended, entity, project, id_)
    assert sweep.state == "finished"
    assert sweep.is_over
    assert (sweep.run_counts["finished"], sweep.run_counts["failed"]) == (5, 1)
    assert sweep.config["parameters"]["depth"] == {"value": 3}
    assert (sweep.metric, sweep.goal, sweep.tags, sweep.planned_runs) == ("loss", "minimize", ["nightly"], 6)
    assert repr(sweep) == f"<Sweep {here.ended} finished: 5 finished, 1 failed; best loss 0.35>"


@pytest.mark.parametrize("name", ["nothing", "objects/nothing", "local/objects/nothing"])
def test_an_unknown_name_is_not_found(client: Any, name: str) -> None:
    with pytest.raises(NotFoundError, match="nothing") as raised:
        client.sweep(name)
    assert (raised.value.code, raised.value.reason) == ("NOT_FOUND", "no-such-name")
    with pytest.raises(NotFoundError):
        client.run(f"{name}-1")
    with pytest.raises(LookupError):
        client.run(name)


def test_a_name_with_too_many_parts_is_invalid(client: Any) -> None:
    for name in ("", "a//b", "a/b/c/d"):
        with pytest.raises(InvalidError, match=r"not a name: .*; write ID, PROJECT/ID"):
            client.sweep(name)


def test_sweeps_are_listed_by_project_and_state(client: Any, here: Here) -> None:
    assert here.ended in [sweep.name for sweep in client.sweeps()]
    assert here.ended in [sweep.name for sweep in client.sweeps(project="objects", state="finished")]
    assert here.ended in [sweep.name for sweep in client.sweeps(entity="local", project="objects")]
    assert here.ended not in [sweep.name for sweep in client.sweeps(state=("paused", "failed"))]
    assert [*client.sweeps(project="object")] == []
    with pytest.raises(InvalidError, match="not a state of a sweep: 'done'; the states are pending, running"):
        [*client.sweeps(state="done")]


def test_a_sweep_and_its_runs_have_the_json_of_sweepctl(client: Any, here: Here) -> None:
    sweep = client.sweep(here.ended)
    assert sweep.to_dict() == here.installation.json("get", here.ended)
    listed = json.loads(here.installation.ctl("runs", here.ended, "-o", "json").stdout)
    assert [run.to_dict() for run in sweep.runs()] == listed


def test_runs_are_selected_by_state_filter_order_and_number(client: Any, here: Here) -> None:
    sweep = client.sweep(here.ended)
    assert [run.number for run in sweep.runs()] == [1, 2, 3, 4, 5, 6]
    (failed,) = sweep.runs(state="failed")
    assert (failed.params["lr"], failed.params["opt"]) == (0.4, {"kind": "adam"})
    assert failed.reason.startswith("exited with code 3")
    assert [run.params["lr"] for run in sweep.runs("params.opt.kind=sgd", "params.lr<0.3")] == [0.1, 0.2]
    assert [run.value for run in sweep.runs(best_first=True, limit=2)] == [0.35, 0.35]
    assert sweep.run(3) == client.run(f"{sweep.id}:3") == client.run(f"{sweep.id}-3")
    assert client.run(f"{here.ended}-3").sweep() == sweep
    with pytest.raises(InvalidError, match="not a filter: 'lr'"):
        [*sweep.runs("lr")]
    with pytest.raises(InvalidError, match="not a state of a run"):
        [*sweep.runs(state="done")]


def test_the_best_run_is_the_one_of_sweepctl(client: Any, here: Here) -> None:
    sweep = client.sweep(here.ended)
    best = sweep.best()
    assert best.to_dict() == here.installation.json("best", here.ended)
    assert best.value == sweep.best_value == 0.35
    progress = sweep.best_so_far()
    assert len(progress) == 6
    assert progress[-1].best == sweep.best_value
    assert [each.time for each in progress] == sorted(each.time for each in progress)
    assert all(
        each.best == min(seen.value for seen in progress[: index + 1]) for index, each in enumerate(progress)
    )


def test_a_history_equals_that_of_sweepctl(client: Any, here: Here) -> None:
    run = client.run(f"{here.ended}-1")
    history = run.history()
    listed = json.loads(here.installation.ctl("history", run.name, "-o", "json").stdout)
    assert [json_row(row) for row in history.to_dicts()] == listed
    assert history["epoch"] == [0, 1, 2, 3]
    assert all(type(value) is int for value in history["epoch"])
    assert math.isnan(history["odd"][3])
    assert history.steps == [0, 1, 2, 3]
    assert history.times[0].tzinfo is UTC
    assert [*run.history("loss")] == [*run.history(["loss"])] == ["loss"]
    assert len(run.history("loss", max_points=2).steps) < 4
    assert [*run.history(["nothing"])] == []
    assert run.summary() == {key: history[key][-1] for key in history} | {
        "odd": pytest.approx(math.nan, nan_ok=True)
    }


def test_a_log_equals_that_of_sweepctl(client: Any, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_LISTEN_SECONDS", 0.1)  # the log is complete
    run = client.run(f"{here.ended}-2")
    assert run.log() == here.installation.ctl("logs", run.name).stdout == "learning rate 0.1: grüße\n"
    assert [*run.logs()] == ["learning rate 0.1: grüße"]
    assert [*run.logs(follow=True)] == ["learning rate 0.1: grüße"]


def test_rows_equal_those_of_export(client: Any, here: Here) -> None:
    rows = client.sweep(here.ended).to_dicts()
    text = here.installation.ctl("export", here.ended, "-o", "csv").stdout
    printed = [*csv.DictReader(io.StringIO(text))]
    assert [*rows[0]] == [*printed[0]]
    assert [
        {name: "" if value is None else str(value) for name, value in json_row(row).items()} for row in rows
    ] == printed


def test_frames_have_one_row_per_run_and_the_right_types(client: Any, here: Here) -> None:
    sweep = client.sweep(here.ended)
    rows = sweep.to_dicts()
    assert type(rows[0]["params.depth"]) is int
    assert rows[0]["endTime"] > datetime(2020, 1, 1, tzinfo=UTC)

    pandas = sweep.to_pandas()
    assert isinstance(pandas, pd.DataFrame)
    types = {name: str(dtype) for name, dtype in pandas.dtypes.items()}
    assert types["params.lr"] == types["metrics.loss"] == types["metrics.odd"] == "float64"
    assert types["params.depth"] == types["metrics.beta"] == types["number"] == "Int64"
    assert types["params.opt.kind"] == types["state"] == "string"
    assert types["endTime"] == "datetime64[us, UTC]"
    assert pandas["metrics.beta"].isna().sum() == 3

    polars = sweep.to_polars()
    assert isinstance(polars, pl.DataFrame)
    assert polars.schema["params.depth"] == polars.schema["metrics.beta"] == pl.Int64
    assert polars.schema["endTime"] == pl.Datetime("us", "UTC")
    assert polars["metrics.beta"].null_count() == 3
    assert polars["metrics.odd"].is_nan().all()

    arrow = sweep.to_arrow()
    assert isinstance(arrow, pa.Table)
    assert arrow.schema.field("metrics.beta").type == pa.int64()
    assert arrow.schema.field("createTime").type == pa.timestamp("us", "UTC")
    assert arrow["metrics.note"].to_pylist() == [row["metrics.note"] for row in rows]

    for name in ("params.lr", "params.depth", "metrics.loss", "endTime", "state", "reason", "metrics.beta"):
        values = [row[name] for row in rows]
        assert polars[name].to_list() == arrow[name].to_pylist() == values
        assert [None if pd.isna(value) else value for value in pandas[name]] == values


def test_frames_of_a_history_have_a_column_for_each_key(client: Any, here: Here) -> None:
    history = client.run(f"{here.ended}-1").history(["loss", "epoch"])
    for columns in (
        history.to_pandas().columns,
        history.to_polars().columns,
        history.to_arrow().column_names,
    ):
        assert [*columns] == ["step", "time", "attempt", "row", "values.epoch", "values.loss"]
    assert history.to_polars()["values.loss"].to_list() == history["loss"]


def test_a_card_shows_the_state_and_escapes_names(client: Any, here: Here) -> None:
    sweep = client.sweep(here.ended)
    card = sweep.html()
    assert "a &lt;b&gt;bold&lt;/b&gt; name" in card
    assert "<svg" in card
    assert "best loss: <b>0.35</b>" in card
    run = sweep.run(1)
    assert "<polyline" in run.html()
    assert f"<b>{run.name}</b>" in run._repr_html_()


def test_a_notebook_displays_the_card(blocking: Client, here: Here) -> None:
    show = HTMLFormatter()
    sweep = blocking.sweep(here.ended)
    assert show(sweep) == sweep.html()
    assert show(sweep.run(1)) == sweep.run(1).html()


def test_the_runs_of_a_project_include_standalone_runs(client: Any, here: Here) -> None:
    listed = json.loads(here.installation.ctl("runs", "--project", "local/objects", "-o", "json").stdout)
    assert [run.name for run in client.runs("local/objects")] == [row["run"] for row in listed]
    assert [run.state for run in client.runs("local/objects", state="failed")] == ["failed"]
    assert len([*client.runs("local/objects", "params.lr=0.1", limit=1)]) == 1
    assert [*client.runs("local/objects", by_hand=True)] == []


def test_importance_equals_that_of_the_server(client: Any, here: Here) -> None:
    sweep = client.sweep(here.ended)
    found = sweep.importance()
    assert (found.runs, found.explained, len(found)) == (5, None, 2)
    by_name = {each.name: each for each in found}
    assert by_name["lr"].correlation == pytest.approx(1.0)
    assert by_name["opt.kind"].correlation is None
    assert [each.value for each in by_name["opt.kind"].categories] == ["sgd", "adam"]
    assert all(-1 <= each.correlation <= 1 for each in by_name["opt.kind"].categories)
    assert found.to_dicts()[0].keys() == {"name", "importance", "correlation"}
    of_epoch = sweep.importance("epoch")
    assert (of_epoch.runs, {each.correlation for each in of_epoch}) == (5, {None})
