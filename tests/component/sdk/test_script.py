"""A training program, in a sweep and as a standalone run."""

import json
import re
import time
from pathlib import Path

from component.sdk.programs import environment_of, rows, run, start, without_time


def test_a_script_gets_the_values_of_the_sweep_and_logs_its_rows(tmp_path: Path) -> None:
    params = tmp_path / "params.json"
    params.write_text('{"lr": 0.5, "opt": {"k": 1}}')
    began = time.time()
    output, errors = run(
        """
        import sweepd

        run = sweepd.init(config={"lr": 0.1, "epochs": 2, "opt": {"k": 0, "l": 0}})
        assert run.config is sweepd.config
        print(sweepd.config.lr, sweepd.config["epochs"], sweepd.config.opt.k, sweepd.config.opt.l)
        print(run.id, run.path, run.sweep_id, run.attempt, run.repeat, run.dir, run.checkpoint_dir)
        for epoch in range(sweepd.config.epochs):
            sweepd.log({"train": {"loss": epoch}}, commit=False)
            sweepd.log({"val_loss": float("nan")})
        sweepd.log({"late": 1}, step=1)
        sweepd.log({"a": 1}, step=7)
        sweepd.log({"b": 2}, commit=False)
        sweepd.finish()
        sweepd.finish()
        sweepd.log({"after": 1})
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path, SWEEPD_PARAMS_FILE=str(params), SWEEPD_REPEAT="3"),
    )
    assert output.splitlines() == [
        "0.5 2 1 0",
        f"r1 acme/mnist/r1 s1 2 3 {tmp_path}/files {tmp_path}/checkpoints",
    ]
    assert errors.splitlines() == [
        "sweepd: step 1 is below the current step 2: metrics of lower steps are dropped",
        "sweepd: log() after finish(): the metrics were dropped",
    ]
    logged = rows(tmp_path / "metrics.jsonl")
    assert json.dumps([without_time(row) for row in logged]) == json.dumps(
        [
            {"_step": 0, "_open": True, "train": {"loss": 0}},
            {"_step": 0, "val_loss": float("nan")},
            {"_step": 1, "_open": True, "train": {"loss": 1}},
            {"_step": 1, "val_loss": float("nan")},
            {"_step": 7, "a": 1},
            {"_step": 7, "_open": True, "b": 2},
            {"_step": 7},
        ]
    )
    assert all(began - 1 <= float(str(row["_time"])) <= time.time() + 1 for row in logged)


def test_outside_a_sweep_the_same_script_stores_everything_in_a_folder_and_prints_its_path(
    tmp_path: Path,
) -> None:
    output, errors = run(
        """
        import sweepd

        with sweepd.init(config={"lr": 0.1, "opt": {"k": 0}}) as run:
            sweepd.config.opt.k = 3
            run.log({"loss": 1.5})
        """,
        cwd=tmp_path,
    )
    assert output == ""
    match = re.fullmatch(
        r"sweepd: not in a sweep; this run is kept in (sweepd-runs/\d{8}-\d{6}-\w{8}); "
        r"`sweepctl sync \1` syncs it\n",
        errors,
    )
    assert match
    folder = tmp_path / match[1]
    assert json.loads((folder / "config.json").read_text()) == {"lr": 0.1, "opt": {"k": 3}}
    assert json.loads((folder / "run.json").read_text())["exit_code"] == 0
    assert [row["loss"] for row in rows(folder / "metrics.jsonl")] == [1.5]


def test_a_failure_is_recorded_in_the_folder_and_each_run_has_its_own(tmp_path: Path) -> None:
    run(
        """
        import sweepd

        try:
            with sweepd.init():
                sweepd.log({"run": 1})
                raise RuntimeError
        except RuntimeError:
            pass
        sweepd.init()
        sweepd.log({"run": 2})
        """,
        cwd=tmp_path,
    )
    ends = {}
    for folder in (tmp_path / "sweepd-runs").iterdir():
        (row,) = rows(folder / "metrics.jsonl")
        ends[row["run"]] = json.loads((folder / "run.json").read_text()).get("exit_code")
    assert ends == {1: 1, 2: 0}  # the second ended with code 0 without calling finish


def test_the_exit_code_is_recorded_however_a_script_exits(tmp_path: Path) -> None:
    endings = {
        "import sys; sys.exit(3)": 3,
        "exit(4)": 4,
        "quit('no data')": 1,
        "exit()": 0,
        "leave(5)": 5,
        "import sys, threading; t = threading.Thread(target=lambda: sys.exit(6)); t.start(); t.join()": 0,
    }
    for number, (ending, code) in enumerate(endings.items()):
        cwd = tmp_path / str(number)
        cwd.mkdir()
        with start(f"leave = exit\nimport sweepd\nsweepd.init()\n{ending}\n", cwd=cwd) as process:
            errors = process.communicate(timeout=60)[1]
        assert process.returncode == code, errors
        (folder,) = (cwd / "sweepd-runs").iterdir()
        assert json.loads((folder / "run.json").read_text())["exit_code"] == code, ending


def test_an_open_step_is_completed_when_the_program_ends_without_finish(tmp_path: Path) -> None:
    run(
        """
        import sweepd

        sweepd.log({"loss": 1}, commit=False)
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    )
    assert [without_time(row) for row in rows(tmp_path / "metrics.jsonl")] == [
        {"_step": 0, "_open": True, "loss": 1},
        {"_step": 0},
    ]


def test_log_and_config_work_without_init_in_a_sweep_and_config_requires_it_outside(
    tmp_path: Path,
) -> None:
    source = """
        import sweepd

        try:
            print(sweepd.config.lr)
        except AttributeError as error:
            print(error)
        """
    params = tmp_path / "params.json"
    params.write_text('{"lr": 0.5}')
    inside, _ = run(source, cwd=tmp_path, env=environment_of(tmp_path, SWEEPD_PARAMS_FILE=str(params)))
    assert inside == "0.5\n"
    outside, errors = run(source, cwd=tmp_path)
    assert outside == "sweepd.config: call sweepd.init() first\n"
    assert errors == ""
    assert not (tmp_path / "sweepd-runs").exists()


def test_the_sdk_loads_only_the_standard_library(tmp_path: Path) -> None:
    output, _ = run(
        """
        import sys

        before = set(sys.modules)
        import sweepd

        sweepd.log({"loss": 1})
        sweepd.finish()
        loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(sorted(loaded - sys.stdlib_module_names), "logging" in loaded)
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    )
    assert output == "['sweepd'] False\n"
