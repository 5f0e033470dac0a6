"""Run object in a script: values it writes, values it reads, and files that the agent finds."""

import json
from pathlib import Path

from component.sdk.programs import details, environment_of, only_folder, rows, run, without_time

SCENE = "sweepd.Object3D is not stored"
MISSING_ARTIFACT = (
    "use_artifact: this run has not logged an artifact 'gone', and artifacts of other runs are not "
    "available; read the file directly"
)

LIST = (
    "the value of 'plain' is a list of more than 1,024 characters (log numbers, a Histogram or a "
    "Table): it is stored only in the run's folder on this machine, not on the server"
)


def test_details_set_by_the_script_are_written_for_the_agent(tmp_path: Path) -> None:
    params = tmp_path / "params.json"
    params.write_text('{"lr": 0.5, "opt": {"k": 1}}')
    run(
        """
        import argparse, pathlib
        import sweepd

        run = sweepd.init(
            project="mnist", name="first", tags=["a", "b"], notes="n", group="g", job_type="train",
            config=argparse.Namespace(lr=0.1, path=pathlib.Path("x"), opt={"k": 2, "l": (1, 2)}, odd=object),
        )
        run.name = "second"
        run.tags += ("late",)
        sweepd.define_metric("val/*", summary="min,max", step_metric="epoch", goal="minimize", hidden=True)
        for epoch in range(3):
            sweepd.log({"val/loss": 3 - epoch, "epoch": epoch})
        sweepd.config.update({"extra": float("nan")})
        sweepd.config["extra2"] = 1
        sweepd.summary["acc"] = 0.9
        sweepd.run.summary.test = {"f1": 0.5}
        assert sweepd.summary["val/loss"] == {"min": 1, "max": 3}
        assert sweepd.run is run
        assert (run.entity, run.project, run.name) == ("acme", "mnist", "second")
        assert (run.group, run.job_type, run.notes, run.url) == ("g", "train", "n", None)
        assert (run.tags, run.step, run.sweep_id) == (("a", "b", "late"), 3, "s1")
        assert run.start_time > 1e9 and not run.resumed and run.settings.run_id is None
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path, SWEEPD_PARAMS_FILE=str(params)),
    )
    found = details(tmp_path)
    config = found.pop("config")
    assert json.dumps(config) == json.dumps(
        {
            "lr": 0.5,
            "opt": {"k": 1, "l": [1, 2]},
            "path": "x",
            "odd": "<class 'object'>",
            "extra": float("nan"),
            "extra2": 1,
        }
    )
    assert found == {
        "name": "second",
        "tags": ["a", "b", "late"],
        "notes": "n",
        "group": "g",
        "job_type": "train",
        "figures": {"val/loss": {"max": 3, "min": 1}},
        "summary": {"acc": 0.9, "test": {"f1": 0.5}},
        "definitions": {
            "val/*": {"summary": ["min", "max"], "step_metric": "epoch", "goal": "minimize", "hidden": True}
        },
    }


def test_names_already_set_by_the_sweep_are_ignored_with_one_warning(tmp_path: Path) -> None:
    _, errors = run(
        """
        import sweepd

        run = sweepd.init(project="mine", entity="Acme", id="x1", sync_tensorboard=True, anonymous="allow")
        assert (run.project, run.id) == ("mnist", "r1")
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path, SWEEPD_PROJECT="mnist", SWEEPD_ENTITY="acme"),
    )
    assert errors.splitlines() == [
        (
            "sweepd: init(sync_tensorboard=…) has no effect here; "
            "`metrics_from: {tensorboard: DIR}` in the sweep file reads event files"
        ),
        "sweepd: init(anonymous=…) has no effect here",
        "sweepd: init(project='mine') has no effect in a sweep: it is 'mnist'",
        "sweepd: init(id='x1') has no effect in a sweep: it is 'r1'",
    ]


def test_a_disabled_run_works_and_leaves_no_files(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    output, errors = run(
        """
        import sweepd

        with sweepd.init(config={"lr": 0.1}) as run:
            sweepd.log({"loss": 2, "image": sweepd.Image([[1]])})
            sweepd.log({"loss": 1})
            run.summary["acc"] = 1
            sweepd.save("program.py")
            sweepd.log_artifact("program.py", "code", "code")
            run.checkpoint_saved()
            print(run.disabled, run.step, sweepd.summary["loss"], sweepd.config.lr)
            with open(f"{run.dir}/model", "w") as file:
                file.write("of a script that saves into it")
        print(sweepd.run)
        """,
        cwd=tmp_path,
        env={"SWEEPD_MODE": "disabled", "TMPDIR": str(temporary)},
    )
    assert (output, errors) == ("True 2 1 0.1\nNone\n", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program.py", "tmp"]
    assert list(temporary.iterdir()) == []


def test_the_values_of_a_sweep_also_apply_in_a_disabled_run(tmp_path: Path) -> None:
    params = tmp_path / "params.json"
    params.write_text('{"lr": 0.5}')
    output, _ = run(
        "import sweepd; print(sweepd.init(mode='disabled', config={'lr': 0.1, 'b': 2}).config)",
        cwd=tmp_path,
        env=environment_of(tmp_path, SWEEPD_PARAMS_FILE=str(params)),
    )
    assert output == "{'lr': 0.5, 'b': 2}\n"


def test_names_may_be_set_on_a_run_that_began_without_init(tmp_path: Path) -> None:
    params = tmp_path / "params.json"
    params.write_text('{"lr": 0.5}')
    source = """
        import sweepd

        {begins}
        run = sweepd.init(
            name="n", tags=["a"], notes="m", group="g", job_type="j", config={{"b": 2}}, project="p"
        )
        assert (run.name, run.tags, run.group) == ("n", ("a",), "g")
        sweepd.init(name="another")
        """
    _, errors = run(
        source.format(begins="assert sweepd.config.lr == 0.5"),
        cwd=tmp_path,
        env=environment_of(tmp_path, SWEEPD_PARAMS_FILE=str(params)),
    )
    assert errors == "sweepd: init(project='p') has no effect in a sweep: it is 'mnist'\n"
    named = {"name": "n", "tags": ["a"], "notes": "m", "group": "g", "job_type": "j"}
    assert details(tmp_path) == {**named, "config": {"lr": 0.5, "b": 2}}
    named_alike = source.replace('"p"', '"Program"').format(begins="sweepd.log({'a': 1})")
    (tmp_path / "alike").mkdir()
    _, errors = run(named_alike, cwd=tmp_path / "alike", env={"SWEEPD_SILENT": "1"})
    assert errors == ""
    _, errors = run(source.format(begins="sweepd.log({'a': 1})"), cwd=tmp_path, env={"SWEEPD_SILENT": "1"})
    assert errors == (
        "sweepd: init(project='p') has no effect, as the run had already started: it is 'program'\n"
    )
    assert details(only_folder(tmp_path)) == {**named, "config": {"b": 2}}
    _, errors = run(
        """
        import os, sweepd
        sweepd.log({"a": 1})
        os.environ["SWEEPD_MODE"] = "online"
        sweepd.init()
        """,
        cwd=tmp_path,
        env={"SWEEPD_SILENT": "1", "SWEEPD_MODE": "disabled"},
    )
    assert errors == ""


def test_a_process_in_a_sweep_keeps_its_single_run(tmp_path: Path) -> None:
    run(
        """
        import sweepd

        for _ in range(2):
            with sweepd.init(reinit=True):
                sweepd.log({"a": 1})
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    )
    assert [row["_step"] for row in rows(tmp_path / "metrics.jsonl")] == [0, 1]


def test_saved_files_and_artifacts_are_kept(tmp_path: Path) -> None:
    output, errors = run(
        """
        import pathlib
        import sweepd

        run = sweepd.init()
        pathlib.Path("model.pt").write_text("first")
        pathlib.Path("data").mkdir()
        pathlib.Path("data/a.csv").write_text("1")
        sweepd.save("model.pt")
        sweepd.save("data/*", base_path=".", policy="now")
        sweepd.save("missing*")
        pathlib.Path("model.pt").write_text("second, later")
        pathlib.Path("data/a.csv").write_text("22")
        with sweepd.restore("model.pt") as file:
            print(file.read())
        print(sweepd.restore("nothing"), sweepd.restore("nothing"))
        artifact = sweepd.Artifact("set", type="dataset", metadata={"n": 3})
        artifact.add_file("data/a.csv")
        artifact.add_dir("data", name="all")
        with artifact.new_file("notes.txt") as notes:
            notes.write("n")
        artifact.add(sweepd.Table(columns=["a"], data=[[1]]), "table")
        sweepd.log_artifact(artifact).wait()
        kept = pathlib.Path(sweepd.use_artifact("set:latest").download())
        print(sorted(path.name for path in kept.rglob("*.csv")))
        sweepd.log_model("model.pt", "m")
        try:
            sweepd.use_artifact("acme/other/gone:v3")
        except sweepd.Error as error:
            print(error)
        sweepd.log_code(".")
        sweepd.log({"image": sweepd.Image([[0, 255]]), "scene": sweepd.Object3D(), "loss": 1})
        sweepd.log({"image": [sweepd.Image([[0]]), sweepd.Image([[1]])], "scene": sweepd.Object3D()})
        for _ in range(2):
            sweepd.log({"image": [sweepd.Image([[0]])], "plain": [1] * 999, "loss": 2})
        sweepd.summary["plot"] = sweepd.Html("<b>")
        sweepd.summary["best"] = [1, 2]
        for _ in range(2):
            sweepd.watch(object()); sweepd.unwatch(); sweepd.link_artifact(artifact, "x")
        sweepd.alert("title", "text")
        assert sweepd.login() is True
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    )
    assert output.splitlines() == [
        "first",
        "None None",
        "['a.csv', 'a.csv']",
        MISSING_ARTIFACT,
    ]
    assert errors.splitlines() == [
        "sweepd: restore: no file 'nothing' is available",
        f"sweepd: the value of 'scene' cannot be logged and was skipped: Object3D: {SCENE}",
        f"sweepd: {LIST}",
        "sweepd: watch() has no effect: gradients and parameters are not recorded",
        "sweepd: link_artifact() has no effect: there is no registry",
        "sweepd: alert: title: text",
    ]
    files = tmp_path / "files"
    assert (files / "model.pt").read_text() == "second, later"
    assert (files / "data" / "a.csv").read_text() == "1"
    assert (files / "artifacts" / "set" / "all" / "a.csv").read_text() == "22"
    assert json.loads((files / "artifacts" / "set" / "artifact.json").read_text())["metadata"] == {"n": 3}
    assert (files / "artifacts" / "code" / "program.py").exists()
    assert [without_time(row) for row in rows(tmp_path / "metrics.jsonl")] == [
        {"_step": 0, "image": "media/images/image_0_0.png", "loss": 1},
        {"_step": 1, "image": {"0": "media/images/image_1_0.png", "1": "media/images/image_1_1.png"}},
        {"_step": 2, "image": "media/images/image_2_0.png", "plain": [1] * 999, "loss": 2},
        {"_step": 3, "image": "media/images/image_3_0.png", "plain": [1] * 999, "loss": 2},
    ]
    assert details(tmp_path)["summary"] == {"plot": "media/html/plot_4_0.html", "best": [1, 2]}
