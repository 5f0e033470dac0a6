"""W&B's `Api` against a real server: scripts can read the same attributes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from sweepd import Api, InvalidError, NotFoundError
from system.objects.conftest import Here


@pytest.fixture
def api(here: Here, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("SWEEPD_ADDRESS", here.server.address)
    monkeypatch.setenv("SWEEPD_TOKEN", here.server.access_token)
    with Api() as api:
        yield api


def test_a_sweep_has_its_best_run_its_runs_and_its_configuration(api: Api, here: Here) -> None:
    entity, project, id_ = here.ended.split("/")
    sweep = api.sweep(here.ended)
    assert (sweep.entity, sweep.project, sweep.id, sweep.path) == (
        entity,
        project,
        id_,
        [entity, project, id_],
    )
    assert (sweep.state, sweep.order) == ("FINISHED", "+summary_metrics.loss")
    assert sweep.config["method"] == "grid"
    assert sweep.expected_run_count == len(sweep.runs) == 6
    best = sweep.best_run()
    assert best is not None
    assert best.id == f"{id_}-1"
    for shown in (sweep, best):
        assert shown.url is None
    assert best.summary["loss"] == 0.35
    assert sweep.best_run(sweep.order) is not None
    with pytest.raises(InvalidError, match="best_run uses the objective"):
        sweep.best_run("-summary_metrics.epoch")
    assert repr(sweep) == f"<Sweep {here.ended} (FINISHED)>"
    assert "<svg" in sweep.to_html()
    assert sweep.load().name == "a <b>bold</b> name"


def test_paths_may_be_abbreviated_or_contain_sweeps_or_runs(api: Api, here: Here) -> None:
    entity, project, id_ = here.ended.split("/")
    for path in (id_, f"{project}/{id_}", f"/{here.ended}", f"{entity}/{project}/sweeps/{id_}"):
        assert api.sweep(path).path == here.ended.split("/")
    assert api.run(f"{entity}/{project}/runs/{id_}-2").id == f"{id_}-2"
    with Api({"entity": entity, "project": project}) as short:
        assert short.run(f"{id_}-2").path == [entity, project, f"{id_}-2"]
        assert len([*short.runs()]) == 6
    assert len([*api.runs(project)]) == 6
    with pytest.raises(InvalidError, match="is not a path"):
        api.sweep("a/b/c/d")
    with pytest.raises(NotFoundError):
        api.run("a/b/c")


def test_a_run_has_config_summary_and_history(api: Api, here: Here) -> None:
    run = api.run(f"{here.ended}-2")
    assert (run.state, run.name) == ("finished", run.id)
    assert run.config == {"lr": 0.1, "depth": 3, "opt": {"kind": "adam"}}
    assert (run.summary["epoch"], run.summary["note"]) == (3, "warm")
    history = run.history()
    assert isinstance(history, pd.DataFrame)
    assert {"_step", "_timestamp", "loss", "epoch", "odd", "beta", "note"} == {*history.columns}
    assert history["loss"].tolist() == [0.1 + 1 / (epoch + 1) for epoch in range(4)]
    assert history["_step"].tolist() == [0, 1, 2, 3]
    rows = run.history(keys=["loss"], pandas=False)
    assert isinstance(rows, list)
    assert [[*row] for row in rows] == [["_step", "_timestamp", "loss"]] * 4
    assert [row["epoch"] for row in run.scan_history(["epoch", "beta"])] == [0, 1, 2, 3]
    assert [*run.scan_history(["epoch", "nothing"])] == []
    with pytest.raises(InvalidError, match="_step"):
        run.history(x_axis="epoch")
    scanned = run.scan_history(["loss"], page_size=10, min_step=1, max_step=3)
    assert [row["_step"] for row in scanned] == [1, 2]
    assert (run.lastHistoryStep, run.group, run.job_type, run.sweep_name) == (3, None, None, here.ended[-8:])
    assert run.summary._json_dict == dict(run.summary_metrics)
    sweep = run.sweep
    assert sweep is not None
    assert "/".join(sweep.path) == here.ended
    for change in (run.update, run.summary.update, run.delete):
        with pytest.raises(InvalidError, match=r"\(\): "):
            change()
    with pytest.raises(AttributeError, match=r"docs/wandb\.md"):
        run.logged_artifacts  # type: ignore[attr-defined]  # noqa: B018
    assert run.created_at is not None
    assert run.created_at.endswith("+00:00")


def test_the_runs_of_a_project_are_listed_newest_first(api: Api, here: Here) -> None:
    entity, project, id_ = here.ended.split("/")
    assert [run.id for run in api.runs(f"{entity}/{project}")] == [
        f"{id_}-{number}" for number in range(6, 0, -1)
    ]
    with pytest.raises(InvalidError, match="no project"):
        api.runs()


def test_the_runs_of_a_project_can_be_filtered_counted_and_ordered(api: Api, here: Here) -> None:
    entity, project, id_ = here.ended.split("/")
    runs = api.runs(f"{entity}/{project}")
    assert (runs[0].id, [run.id for run in runs[:2]]) == (f"{id_}-6", [f"{id_}-6", f"{id_}-5"])
    assert (len(runs), runs[-1].id, next(runs).id, len([*runs])) == (6, f"{id_}-1", f"{id_}-6", 6)
    with pytest.raises(IndexError):
        runs[6]
    chosen = api.runs(
        project, {"config.opt.kind": "adam", "state": "finished", "sweep": id_}, order="+config.lr.value"
    )
    rates = [str(run.config["lr"]) for run in chosen]
    assert rates == sorted(rates)
    assert 0 < len(rates) < 6
    best = api.runs(
        project, filters={"summary_metrics.loss": {"$exists": True}}, order="+summary_metrics.loss"
    )
    assert best[0].summary["loss"] == min(run.summary["loss"] for run in api.runs(project)) == 0.35  # type: ignore[type-var]
    with pytest.raises(InvalidError, match="runs have no field 'lr'; the fields are name"):
        len(api.runs(project, {"lr": 1}))
    assert api.from_path(f"{entity}/{project}/sweeps/{id_}").path == [entity, project, id_]
    assert api.from_path(f"{here.ended}-1").path == [entity, project, f"{id_}-1"]
    assert api.default_entity == "local"


def test_files_of_a_run_are_listed_and_downloaded(api: Api, here: Here, tmp_path: Path) -> None:
    run = api.run(f"{here.ended}-1")
    files = {file.name: file for file in run.files()}
    assert "context.json" in files
    (one,) = run.files(names=["context.json"])
    with one.download(root=tmp_path / "new") as text:
        content = text.read()
    assert json.loads(content)["argv"]
    assert (tmp_path / "new" / "context.json").stat().st_size == one.size
    with pytest.raises(ValueError, match="replace=True"):
        run.file("context.json").download(str(tmp_path / "new"))
    (tmp_path / "new" / "context.json").write_text("mine")
    with run.file("context.json").download(tmp_path / "new", exist_ok=True) as text:
        assert text.read() == "mine"
    with run.file("context.json").download(tmp_path / "new", replace=True) as text:
        assert text.read() == content
    with pytest.raises(NotFoundError, match=r"no file context\.jsn; did you mean context\.json\?"):
        run.file("context.jsn")
