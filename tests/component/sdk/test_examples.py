"""The examples and the demo's training, in a run of a sweep and as standalone runs."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from component.sdk.programs import ROOT, environment_of, rows
from component.sdk.trainings import Trainings, trainings
from sweepd.spec.parse import parse_text

DEMO = ROOT / "client" / "sweepd" / "cli" / "commands" / "local" / "demo_files"
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="module")
def python() -> Iterator[Trainings]:
    with trainings(ROOT / "client") as started:
        yield started


def run_shell(*arguments: str, cwd: Path, env: dict[str, str]) -> None:
    subprocess.run(
        ["sh", str(EXAMPLES / "shell" / "train.sh"), *arguments],
        cwd=cwd,
        env={**os.environ, **env},
        check=True,
    )


@pytest.mark.parametrize(
    ("folder", "key", "params", "lines"),
    [
        (DEMO, "val_loss", {"optimizer": "adam", "learning_rate": 0.01, "hidden": 64, "batch_size": 64}, 27),
        (EXAMPLES / "quickstart", "val_loss", {"optimizer": "adam", "learning_rate": 0.01}, 20),
        (EXAMPLES / "conditions", "val_loss", {"solver": "sgd", "momentum": 0.9, "learning_rate": 0.05}, 16),
        (EXAMPLES / "grid", "accuracy", {"criterion": "entropy", "tree": {"max_depth": 4}}, 1),
    ],
)
def test_values_of_the_sweep_give_a_different_result_than_the_defaults(
    tmp_path: Path, python: Trainings, folder: Path, key: str, params: dict[str, object], lines: int
) -> None:
    results = []
    for name, values in [("defaults", {}), ("swept", params)]:
        run_folder = tmp_path / name
        run_folder.mkdir()
        file = run_folder / "params.json"
        file.write_text(json.dumps(values))
        env = environment_of(run_folder, SWEEPD_PARAMS_FILE=str(file))
        python.run(folder / "train.py", cwd=tmp_path, env=env)
        logged = rows(run_folder / "metrics.jsonl")
        assert len(logged) == lines
        results.append(float(str(logged[-1][key])))
    defaults, swept = results
    assert swept < defaults if key == "val_loss" else swept > defaults


def test_a_script_with_a_command_line_gets_its_values_from_it(tmp_path: Path, python: Trainings) -> None:
    words = ["--alpha=0.001", "--selection=random"]
    python.run(EXAMPLES / "argparse" / "train.py", *words, cwd=tmp_path, env=environment_of(tmp_path))
    (row,) = rows(tmp_path / "metrics.jsonl")
    assert float(str(row["r2"])) > 0.4


def test_a_repeat_seeds_itself(tmp_path: Path, python: Trainings) -> None:
    results = []
    for name, words in (("first", ["--seed=0"]), ("again", ["--seed=0"]), ("second", ["--seed=1"])):
        folder = tmp_path / name
        folder.mkdir()
        words = ["--trees=30", "--learning_rate=0.1", *words]
        python.run(EXAMPLES / "repeats" / "train.py", *words, cwd=folder, env=environment_of(folder))
        (row,) = rows(folder / "metrics.jsonl")
        results.append(float(str(row["accuracy"])))
    assert results[0] == results[1] != results[2]
    assert min(results) > 0.85


def test_a_second_attempt_continues_from_the_checkpoint_of_the_first(
    tmp_path: Path, python: Trainings
) -> None:
    results = []
    for name, attempt, epochs in (("whole", "1", 12), ("first", "1", 8), ("second", "2", 12)):
        folder = tmp_path / name
        folder.mkdir()
        file = folder / "params.json"
        file.write_text(json.dumps({"epochs": epochs}))
        kept = tmp_path / ("kept" if name == "whole" else "shared")
        env = environment_of(
            folder,
            SWEEPD_PARAMS_FILE=str(file),
            SWEEPD_ATTEMPT=attempt,
            SWEEPD_CHECKPOINT_DIR=str(kept),
        )
        python.run(EXAMPLES / "checkpoints" / "train.py", cwd=tmp_path, env=env)
        logged = [row for row in rows(folder / "metrics.jsonl") if "val_loss" in row]
        results.append({int(str(row["_step"])): row["val_loss"] for row in logged})
    complete, first, second = results
    assert (list(first), list(second)) == (list(range(8)), list(range(5, 12)))
    assert {step: loss for step, loss in first.items() if step < 5} | second == complete


def test_a_shell_script_appends_its_lines(tmp_path: Path) -> None:
    run_shell("--rate=0.1", "--steps=5", cwd=tmp_path, env=environment_of(tmp_path))
    logged = rows(tmp_path / "metrics.jsonl")
    assert [row["_step"] for row in logged] == list(range(5))
    assert float(str(logged[-1]["loss"])) < 0.01


def test_a_shell_script_outside_a_sweep_leaves_no_file(tmp_path: Path) -> None:
    run_shell("--rate=0.1", "--steps=5", cwd=tmp_path, env={})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "folder",
    [DEMO, *sorted(file.parent for file in EXAMPLES.glob("*/sweep.yaml"))],
    ids=lambda folder: folder.name,
)
def test_each_example_has_a_sweep_file_without_findings_and_few_runs(folder: Path) -> None:
    file = folder / "sweep.yaml"
    parsed = parse_text(file.read_bytes(), file=str(file))
    assert parsed.diagnostics == ()
    assert parsed.spec is not None
    assert parsed.spec.program is not None
    assert (folder / parsed.spec.program).is_file()
    assert parsed.spec.run_cap is not None
    assert parsed.spec.run_cap <= 24
