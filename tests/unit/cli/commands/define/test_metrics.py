"""`sweepctl metrics test`: shows the metrics that an agent would read, without a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tensorboardX import SummaryWriter

from sweepd.cli.main import main

SWEEP = """
program: train.py
method: grid
metric: {name: loss}
parameters: {a: {values: [1]}}
"""
STDOUT = r"metrics_from: {stdout: 'epoch (?P<step>\d+): loss=(?P<loss>\S+)'}"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sweep(folder: Path, source: str) -> str:
    (folder / "sweep.yaml").write_text(SWEEP + source + "\n")
    return "sweep.yaml"


def read(capsys: pytest.CaptureFixture[str]) -> list[tuple[object, object]]:
    return [(row["step"], row["values"]) for row in json.loads(capsys.readouterr().out)]


def test_a_log_is_read_as_an_agent_would(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "train.log").write_text("hello\nepoch 1: loss=0.5\nepoch 2: loss=nan\n")
    assert main(["metrics", "test", sweep(here, STDOUT), "--from", "train.log", "-o", "json"]) == 0
    assert read(capsys) == [(1, {"loss": 0.5}), (2, {"loss": "NaN"})]


def test_the_paths_of_the_sweep_file_are_read_unless_another_is_given(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEPD_RUN_DIR", str(here))
    (here / "log.csv").write_text("step,loss\n3,0.25\n")
    file = sweep(here, "metrics_from: {file: '${envvar:SWEEPD_RUN_DIR}/log.csv'}")
    assert main(["metrics", "test", file, "-o", "json"]) == 0
    assert read(capsys) == [(3, {"loss": 0.25})]


def test_a_folder_of_event_files_is_read(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SummaryWriter(str(here / "runs")) as writer:
        writer.add_scalar("acc", 0.5, 7)
    file = sweep(here, "metrics_from: {tensorboard: elsewhere}")
    assert main(["metrics", "test", file, "--from", "runs", "-o", "json"]) == 0
    out, err = capsys.readouterr()
    assert [(row["step"], row["values"]) for row in json.loads(out)] == [(7, {"acc": 0.5})]
    assert "the sweep optimises `loss`, which is not among `acc`" in err


def test_finding_no_metrics_is_reported(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "train.log").write_text("nothing of the kind\n")
    assert main(["metrics", "test", sweep(here, STDOUT), "--from", "train.log"]) == 0
    assert "Nothing would be read." in capsys.readouterr().err


BOTH = STDOUT.replace("{", "{file: out.csv, ", 1)


@pytest.mark.parametrize(
    ("arguments", "loss", "message"),
    [
        (
            ("--from", "train.log"),
            0.5,
            ("train.log is read as `stdout` because of its suffix; --as overrides this"),
        ),
        (("--from", "train.csv"), None, "train.csv is read as `file`"),
        (("--from", "train.csv", "--as", "stdout"), 0.5, ""),
        ((), 0.25, "`stdout` was not tested; pass the output of the script with --from"),
    ],
)
def test_of_several_sources_the_tested_one_is_named(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    loss: float | None,
    message: str,
) -> None:
    for name in ("train.log", "train.csv"):
        (here / name).write_text("epoch 1: loss=0.5\n")
    (here / "out.csv").write_text("step,loss\n3,0.25\n")
    assert main(["metrics", "test", sweep(here, BOTH), *arguments, "-o", "json"]) == 0
    out, err = capsys.readouterr()
    assert [row["values"]["loss"] for row in json.loads(out)] == ([] if loss is None else [loss])
    assert (message in err) if message else not err


def test_a_variable_that_is_not_set_is_reported(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWEEPD_RUN_DIR", raising=False)
    file = sweep(here, "metrics_from: {file: '${envvar:SWEEPD_RUN_DIR}log.csv'}")
    assert main(["metrics", "test", file]) == 0
    assert "SWEEPD_RUN_DIR is not set here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        ("", ("--from", "train.log"), "has no metrics_from"),
        (STDOUT, (), "pass a log of the output with --from LOG"),
        (STDOUT, ("--from", "absent.log"), "absent.log is not a file"),
        (STDOUT, ("--from", "."), ". is not a file"),
        ("metrics_from: {file: a.csv}", ("--from", "train.log", "--as", "stdout"), "has no `stdout`"),
        ("metrics_from: {tensorboard: runs}", ("--from", "train.log"), "train.log is not a folder"),
    ],
)
def test_an_impossible_test_is_refused_with_the_remedy(
    here: Path, capsys: pytest.CaptureFixture[str], source: str, arguments: tuple[str, ...], message: str
) -> None:
    (here / "train.log").write_text("epoch 1: loss=0.5\n")
    assert main(["metrics", "test", sweep(here, source), *arguments]) == 2
    assert message in capsys.readouterr().err
