"""Standalone runs: their folders, and the processes that own them."""

import os
import re
from contextlib import ExitStack
from pathlib import Path

from component.sdk.programs import only_folder, rows, run, start


def test_a_standalone_run_has_the_requested_names(tmp_path: Path) -> None:
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
    assert errors == (
        "sweepd: init(id='Run1'): an id has only lower-case letters, digits, - and _; using 'run1'\n"
    )
    assert only_folder(tmp_path / "elsewhere").name.endswith("-run1")


def test_settings_of_wandb_scripts_are_applied_or_reported_as_without_effect(tmp_path: Path) -> None:
    (tmp_path / "config-defaults.yaml").write_text("epochs: {desc: how many, value: 9}\nlayers: {value: 2}\n")
    output, errors = run(
        """
        import os
        import sweepd as wandb

        os.environ["WANDB_PROJECT"] = "theirs"
        run = wandb.init(name="mine", config={"epochs": 5})
        print(run.project, run.project_name(), dict(run.config), run.get_url(), run.get_sweep_url())
        wandb.init(reinit=True, project="other", name="mine")
        """,
        cwd=tmp_path,
        env={"WANDB_RUN_ID": "x1", "WANDB_NAME": "n", "SWEEPD_SILENT": "true", "SWEEPD_MODE": "offline"},
    )
    assert output == "program program {'epochs': 5, 'layers': 2} None None\n"
    assert errors == (
        "sweepd: WANDB_PROJECT has no effect here; set SWEEPD_PROJECT instead\nsweepd: WANDB_RUN_ID has "
        "no effect here; pass init(id=…) instead\n"
    )


def test_an_unreadable_file_of_defaults_does_not_stop_a_training(tmp_path: Path) -> None:
    (tmp_path / "config-defaults.yaml").write_text("- 1\n")
    output, errors = run(
        "import sweepd; print(sweepd.init(mode='disabled').config)",
        cwd=tmp_path,
        env={"SWEEPD_SILENT": "true"},
    )
    assert output == "{}\n"
    assert errors == (
        "sweepd: config: config-defaults.yaml does not contain a mapping of names to values; "
        "its values are ignored\n"
    )


def test_an_earlier_folder_is_resumed_on_request(tmp_path: Path) -> None:
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
    assert answer("dict(id='a', resume='never')").startswith("init: run a exists in HERE/sweepd-runs/")
    assert answer("dict(resume=True)") == "a 4 True 6"
    other = answer("dict(resume='auto')").split()
    assert other[0] != "a"
    assert other[1:] == ["1", "False", "0"]
    folder = next((tmp_path / "sweepd-runs").glob("*-a"))
    assert [row["_step"] for row in rows(folder / "metrics.jsonl") if "loss" in row] == list(range(8))


def test_a_script_started_twice_at_once_has_two_runs_even_if_it_would_resume(
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


def test_an_active_run_is_locked_by_its_process_until_that_ends(tmp_path: Path) -> None:
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
        stack.callback(os.close, writing)  # before they are waited for: it ends what still runs
        os.close(reading)
        by_output = {}
        for process in both:
            assert process.stdout is not None
            by_output[process.stdout.readline()] = process
        first = by_output.pop("1\n")
        (refusal,) = by_output
        # A starting process takes its lock before it writes its identity.
        owner = f"(process {first.pid}|another process)"
        assert re.match(f"init: run a is active in {owner}, in {tmp_path}/sweepd-runs/", refusal)
        first.kill()
        first.wait()
        output, _ = run(source, cwd=folders[0], env=env)
        assert output == "2\n"
    folder = only_folder(tmp_path)
    assert [row["attempt"] for row in rows(folder / "metrics.jsonl")][:2] == [1, 2]


def test_a_run_whose_folder_cannot_be_created_uses_another_one_or_is_disabled(tmp_path: Path) -> None:
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
    assert errors.startswith(f"sweepd: this run is stored below {tmp_path}/tmp/sweepd-")
    output, errors = run(source.replace("len(sys.argv) > 1", "True"), cwd=tmp_path, env=env)
    assert output.startswith("True ")
    assert errors.startswith("sweepd: this run is not stored, as its folder cannot be created: ")


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
    assert output == "the value of 'inner' is nested too deeply, or contains itself\nFalse\n1\n"


def test_an_id_used_in_two_folders_is_warned_of(tmp_path: Path) -> None:
    source = """
        import sweepd

        for _ in range(2):
            sweepd.init(id="a", reinit=True)
            sweepd.log({"a": 1})
        """
    _, errors = run(source, cwd=tmp_path, env={"SWEEPD_SILENT": "1"})
    (warning,) = errors.splitlines()
    assert warning.startswith(f"sweepd: run a already exists in {tmp_path}/sweepd-runs/")
    assert 'resume="allow"' in warning
    assert len(list((tmp_path / "sweepd-runs").iterdir())) == 2


def test_reinit_ends_the_active_run_or_returns_it(tmp_path: Path) -> None:
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
    assert output == "init: reinit must be one of return_previous, finish_previous, create_new, not 'yes'\n"
