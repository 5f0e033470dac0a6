"""Run folder of a script, found or created."""

import json
from pathlib import Path

import pytest

from sweepd.script.folder.run_folder import given_folder, record_end
from sweepd.script.folder.standalone import new_folder
from sweepd.script.settings import RunOptions


def test_without_a_metrics_file_in_the_environment_there_is_no_folder() -> None:
    assert given_folder({}) is None
    assert given_folder({"SWEEPD_RUN_DIR": "/x", "SWEEPD_METRICS_FILE": ""}) is None


def test_the_folder_is_read_from_the_environment(tmp_path: Path) -> None:
    params = tmp_path / "params.json"
    params.write_text('{"lr": 0.1, "opt": {"k": 1}}')
    folder = given_folder(
        {
            "SWEEPD_RUN_DIR": str(tmp_path / "run"),
            "SWEEPD_METRICS_FILE": str(tmp_path / "run" / "metrics.jsonl"),
            "SWEEPD_CHECKPOINT_DIR": str(tmp_path / "kept"),
            "SWEEPD_RUN_ID": "acme/mnist/k3x9v2ab",
            "SWEEPD_SWEEP_ID": "acme/mnist/s1",
            "SWEEPD_ATTEMPT": "3",
            "SWEEPD_PARAMS_FILE": str(params),
        }
    )
    assert folder is not None
    assert folder.path == tmp_path / "run"
    assert folder.metrics_file == tmp_path / "run" / "metrics.jsonl"
    assert folder.checkpoint_path == tmp_path / "kept"
    assert (folder.run, folder.sweep, folder.attempt) == ("acme/mnist/k3x9v2ab", "acme/mnist/s1", 3)
    assert folder.params == {"lr": 0.1, "opt": {"k": 1}}
    assert not folder.standalone


def test_a_metrics_file_alone_is_sufficient(tmp_path: Path) -> None:
    folder = given_folder({"SWEEPD_METRICS_FILE": str(tmp_path / "m.jsonl")})
    assert folder is not None
    assert folder.path == tmp_path
    assert (folder.sweep, folder.attempt, folder.params) == (None, 1, {})


@pytest.mark.parametrize("content", [None, "{", "[1]", "\x80"])
def test_unreadable_parameters_stop_the_script(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "params.json"
    if content is not None:
        file.write_text(content, encoding="latin-1")
    with pytest.raises(RuntimeError, match=r"parameters .*params\.json"):
        given_folder({"SWEEPD_METRICS_FILE": str(tmp_path / "m"), "SWEEPD_PARAMS_FILE": str(file)})


def test_a_standalone_run_gets_a_folder_that_child_processes_can_find(tmp_path: Path) -> None:
    folder = new_folder(RunOptions(), tmp_path, program="/home/me/Train CNN.py", now=0.0)
    assert folder.standalone
    assert folder.path.parent == tmp_path / "sweepd-runs"
    assert folder.path.name.endswith(folder.run.rpartition("/")[2])
    assert folder.run.startswith("local/train-cnn/")
    folder.config_file.write_text('{"lr": 1}')
    again = given_folder(folder.environment())
    assert again is not None
    assert (again.path, again.metrics_file, again.run) == (folder.path, folder.metrics_file, folder.run)
    assert again.params == {"lr": 1}


def test_the_end_of_a_standalone_run_is_recorded(tmp_path: Path) -> None:
    folder = new_folder(RunOptions(), tmp_path, program="train.py", now=10.0)
    record_end(folder, exit_code=3, now=20.0)
    recorded = json.loads((folder.path / "run.json").read_text())
    assert recorded == {
        "run": folder.run,
        "program": "train.py",
        "started": 10.0,
        "ended": 20.0,
        "exit_code": 3,
    }
