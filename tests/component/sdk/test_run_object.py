"""What a script says of its run, what it reads there, and what its agent finds."""

import json
import os
import re
from contextlib import ExitStack
from pathlib import Path

from component.sdk.programs import details, environment_of, rows, run, start, without_time

SCENE = "sweepd.Object3D is not kept"
GONE = (
    "use_artifact: this run has logged no artifact 'gone', and those of other runs are not kept; "
    "read it from its file"
)

LIST = (
    "the value of 'plain' is a list: it stays in the run's folder on this machine, as the server has no "
    "lists in rows; log numbers, or a Table"
)


def only_folder(parent: Path) -> Path:
    (folder,) = (parent / "sweepd-runs").iterdir()
    return folder


def test_an_agent_finds_all_that_the_script_has_said(tmp_path: Path) -> None:
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
        "summary": {"acc": 0.9, "test": {"f1": 0.5}},
        "definitions": {
            "val/*": {"summary": ["min", "max"], "step_metric": "epoch", "goal": "minimize", "hidden": True}
        },
    }


def test_names_that_the_sweep_has_given_are_not_heard_and_the_script_is_told_once(tmp_path: Path) -> None:
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
        "sweepd: init(sync_tensorboard=…) has no effect here",
        "sweepd: init(anonymous=…) has no effect here",
        "sweepd: init(project='mine') has no effect in a sweep: it is 'mnist'",
        "sweepd: init(id='x1') has no effect in a sweep: it is 'r1'",
    ]


def test_a_disabled_run_works_and_leaves_nothing(tmp_path: Path) -> None:
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


def test_a_run_of_its_own_has_the_names_that_were_asked_for(tmp_path: Path) -> None:
    output, errors = run(
        """
        import sweepd

        run = sweepd.init(project="My Project", entity="Me", id="Run1", mode="offline", dir="elsewhere")
        print(run.path, run.offline)
        """,
        cwd=tmp_path,
        env={"SWEEPD_SILENT": "true"},
    )
    assert output == "me/my-project/run1 True\n"
    assert errors == "sweepd: init(id='Run1'): an id has small letters, digits, - and _; it is 'run1'\n"
    assert only_folder(tmp_path / "elsewhere").name.endswith("-run1")


def test_an_earlier_folder_is_gone_on_with_when_that_is_asked_for(tmp_path: Path) -> None:
    source = """
        import os, sys
        import sweepd

        try:
            run = sweepd.init(**eval(os.environ["ASKED"]), mode="offline")
        except sweepd.UsageError as error:
            print(error)
            sys.exit()
        print(run.id, run.attempt, run.resumed, run.step)
        for _ in range(2):
            sweepd.log({"loss": 1})
            run.checkpoint_saved()
        sweepd.finish(int(os.environ.get("CODE", "0")))
        """

    def answer(asked: str, code: str = "0") -> str:
        output, _ = run(source, cwd=tmp_path, env={"ASKED": asked, "CODE": code, "SWEEPD_SILENT": "1"})
        return output.replace(str(tmp_path), "HERE").strip()

    assert answer("dict(id='a', resume='must')") == "init: no run a to resume below HERE/sweepd-runs"
    assert answer("dict(resume='must')").startswith('init: resume="must" needs an id')
    assert answer("dict(id='a', resume='allow')") == "a 1 False 0"
    assert answer("dict(id='a', resume='allow')") == "a 2 True 2"
    assert answer("dict(id='a', resume='must')", "3") == "a 3 True 4"
    assert answer("dict(id='a', resume='never')").startswith("init: there is a run a in HERE/sweepd-runs/")
    assert answer("dict(resume=True)") == "a 4 True 6"
    other = answer("dict(resume='auto')").split()
    assert other[0] != "a"
    assert other[1:] == ["1", "False", "0"]
    folder = next((tmp_path / "sweepd-runs").glob("*-a"))
    assert [row["_step"] for row in rows(folder / "metrics.jsonl") if "loss" in row] == list(range(8))


def test_a_script_that_is_started_twice_at_once_has_two_runs_also_where_it_would_go_on(
    tmp_path: Path,
) -> None:
    source = """
        import signal

        import sweepd

        run = sweepd.init(resume=True)
        print(run.id, run.attempt, flush=True)
        signal.pause()
        """
    begun: list[list[str]] = []
    with ExitStack() as stack:
        for _ in range(2):
            process = stack.enter_context(start(source, cwd=tmp_path))
            stack.callback(process.kill)
            assert process.stdout is not None
            begun.append(process.stdout.readline().split())
    assert [attempt for _, attempt in begun] == ["1", "1"]
    assert begun[0][0] != begun[1][0]


def test_a_run_that_is_under_way_belongs_to_its_process_and_to_nobody_after_that(tmp_path: Path) -> None:
    source = """
        import os, sys
        import sweepd

        try:
            run = sweepd.init(id="a", resume="allow")
        except sweepd.UsageError as error:
            print(error)
            sys.exit()
        sweepd.log({"attempt": run.attempt})
        if run.attempt == 1 and os.fork() == 0:
            os.close(1)
            sys.stdin.read()  # outlives its parent
            sweepd.log({"attempt": "late"})
            os._exit(0)
        print(run.attempt, flush=True)
        sys.stdin.readline()
        """
    reading, writing = os.pipe()
    with ExitStack() as stack:
        env = {"SWEEPD_DIR": str(tmp_path)}
        folders = [tmp_path / "one", tmp_path / "two"]
        for folder in folders:
            folder.mkdir()
        both = [stack.enter_context(start(source, cwd=folder, env=env, stdin=reading)) for folder in folders]
        stack.callback(os.close, writing)  # before they are waited for: whatever still runs ends by it
        os.close(reading)
        said = {}
        for process in both:
            assert process.stdout is not None
            said[process.stdout.readline()] = process
        first = said.pop("1\n")
        (refusal,) = said
        # One that is just beginning has its lock before it has said who it is.
        who = f"(process {first.pid}|another process)"
        assert re.match(f"init: run a is under way in {who}, in {tmp_path}/sweepd-runs/", refusal)
        first.kill()
        first.wait()
        output, _ = run(source, cwd=folders[0], env=env)
        assert output == "2\n"
    folder = only_folder(tmp_path)
    assert [row["attempt"] for row in rows(folder / "metrics.jsonl")][:2] == [1, 2]


def test_a_run_goes_elsewhere_or_nowhere_if_there_can_be_no_folder_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "tmp").mkdir()
    source = """
        import resource, sys
        import sweepd

        if len(sys.argv) > 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        run = sweepd.init(dir="file/below", config={"lr": 1})
        sweepd.log({"a": 1})
        print(run.disabled, run.dir)
        """
    env = {"TMPDIR": str(tmp_path / "tmp")}
    output, errors = run(source, cwd=tmp_path, env=env)
    disabled, folder = output.split()
    assert disabled == "False"
    assert Path(folder).is_relative_to(tmp_path / "tmp")
    assert len(rows(Path(folder).parent / "metrics.jsonl")) == 1
    assert errors.startswith(f"sweepd: this run is kept below {tmp_path}/tmp/sweepd-")
    output, errors = run(source.replace("len(sys.argv) > 1", "True"), cwd=tmp_path, env=env)
    assert output.startswith("True ")
    assert errors.startswith("sweepd: nothing of this run is kept, as no folder can be made for it: ")


def test_a_run_whose_configuration_is_refused_leaves_nothing(tmp_path: Path) -> None:
    output, _ = run(
        """
        import pathlib
        import sweepd

        circle = {}
        circle["inner"] = circle
        try:
            sweepd.init(id="a", resume="allow", config=circle)
        except sweepd.ConfigError as error:
            print(error)
        print(pathlib.Path("sweepd-runs").exists())
        print(sweepd.init(id="a", resume="allow", config={"lr": 1}).attempt)
        """,
        cwd=tmp_path,
    )
    assert output == "the value of 'inner' is nested too deep, or holds itself\nFalse\n1\n"


def test_the_values_of_a_sweep_hold_in_a_disabled_run_too(tmp_path: Path) -> None:
    params = tmp_path / "params.json"
    params.write_text('{"lr": 0.5}')
    output, _ = run(
        "import sweepd; print(sweepd.init(mode='disabled', config={'lr': 0.1, 'b': 2}).config)",
        cwd=tmp_path,
        env=environment_of(tmp_path, SWEEPD_PARAMS_FILE=str(params)),
    )
    assert output == "{'lr': 0.5, 'b': 2}\n"


def test_names_may_be_given_to_a_run_that_had_begun_without_init(tmp_path: Path) -> None:
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
    assert errors == "sweepd: init(project='p') comes after what has begun the run: it is 'program'\n"
    assert details(only_folder(tmp_path)) == {**named, "config": {"b": 2}}


def test_one_id_in_two_folders_is_warned_of(tmp_path: Path) -> None:
    source = """
        import sweepd

        for _ in range(2):
            sweepd.init(id="a", reinit=True)
            sweepd.log({"a": 1})
        """
    _, errors = run(source, cwd=tmp_path, env={"SWEEPD_SILENT": "1"})
    (warning,) = errors.splitlines()
    assert warning.startswith(f"sweepd: there is a run a in {tmp_path}/sweepd-runs/")
    assert 'resume="allow"' in warning
    assert len(list((tmp_path / "sweepd-runs").iterdir())) == 2


def test_reinit_ends_the_run_that_is_under_way_or_returns_it(tmp_path: Path) -> None:
    output, _ = run(
        """
        import sweepd

        first = sweepd.init()
        assert sweepd.init() is first and sweepd.init(reinit=False) is first
        assert sweepd.init(reinit="return_previous") is first
        second = sweepd.init(reinit=True)
        assert second is not first and first.finished and second.id != first.id
        assert sweepd.init(reinit="create_new") is not second
        try:
            sweepd.init(reinit="yes")
        except sweepd.UsageError as error:
            print(error)
        """,
        cwd=tmp_path,
    )
    assert output == "init: reinit is one of return_previous, finish_previous, create_new, not 'yes'\n"


def test_a_process_of_a_sweep_goes_on_with_its_one_run(tmp_path: Path) -> None:
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


def test_files_of_a_run(tmp_path: Path) -> None:
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
            sweepd.log({"image": [sweepd.Image([[0]])], "plain": [1, 2], "loss": 2})
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
        GONE,
    ]
    assert errors.splitlines() == [
        "sweepd: restore: no file 'nothing' here",
        f"sweepd: the value of 'scene' cannot be logged and was left out: Object3D: {SCENE}",
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
        {"_step": 1, "image": ["media/images/image_1_0.png", "media/images/image_1_1.png"]},
        {"_step": 2, "image": "media/images/image_2_0.png", "plain": [1, 2], "loss": 2},
        {"_step": 3, "image": "media/images/image_3_0.png", "plain": [1, 2], "loss": 2},
    ]
    assert details(tmp_path)["summary"] == {"plot": "media/html/plot_4_0.html", "best": [1, 2]}
