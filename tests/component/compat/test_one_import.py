"""A W&B script with only its import changed, as a standalone run: it needs no agent and no server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "wandb" / "train.py"
# Names of all kinds, accessed only through the module.
NAMES = """
import sweepd as wandb

wandb.login()
wandb.require("core")
run = wandb.init(project="names", settings=wandb.Settings(start_method="thread"))
rows = [[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]
wandb.log({
    "loss": 0.5,
    "scene": wandb.Object3D([[0, 0, 0]]),
    "joined": wandb.JoinedTable("a", "b", "key"),
    "roc": wandb.plot.roc_curve([1, 0, 1], rows),
    "table": wandb.Table(columns=["a"], data=[[1]]),
})
wandb.alert("done", "all of it", level=wandb.AlertLevel.WARN)
wandb.termwarn("careful")
wandb.tensorboard.patch(root_logdir="logs")
wandb.pin_config_keys(["a"])
try:
    wandb.controller()
except (wandb.Error, NotImplementedError) as error:
    print(error)
try:
    wandb.use_artifact("elsewhere/data:latest")
except wandb.errors.UsageError as error:
    print(error)
wandb.join()
assert wandb.run is None
"""


def run_standalone(
    folder: Path, script: str, *arguments: str, **variables: str
) -> tuple[list[dict[str, object]], str]:
    """Run a script as a standalone run; return its rows and its output."""
    (folder / "train.py").write_text(script)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SWEEPD_", "WANDB_", "XDG_"))
    }
    done = subprocess.run(
        [sys.executable, "train.py", *arguments],
        cwd=folder,
        env=kept | {"HOME": str(folder)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("sweepd-runs/*/metrics.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()], done.stdout + done.stderr


def test_the_example_trains_with_only_its_import_changed(tmp_path: Path) -> None:
    script = EXAMPLE.read_text().replace("import wandb\n", "import sweepd as wandb\n")
    rows, _ = run_standalone(tmp_path, script, "--alpha=0.0001", "--epochs=2")
    assert [row.get("epoch") for row in rows] == [0, 1, None]
    assert float(str(rows[1]["accuracy"])) > 0.8
    assert str(rows[2]["confusion"]).endswith(".table.json")


def test_names_of_all_kinds_are_accessible_and_never_end_a_training(tmp_path: Path) -> None:
    rows, printed = run_standalone(tmp_path, NAMES)
    (row,) = rows
    assert row.keys() == {"_step", "_time", "loss", "roc", "table"}
    for words in (
        "'scene'",
        "'joined'",
        "sweepd: warning: careful",
        "metrics_from",
        "controller",
        "use_artifact",
    ):
        assert words in printed, printed
    assert list(tmp_path.glob("sweepd-runs/*/files/media/table/roc*.json"))


@pytest.mark.parametrize("also", ["", "sys.modules['wandb'] = sys"])
def test_variables_of_wandb_have_no_effect_and_are_reported_unless_wandb_is_loaded(
    tmp_path: Path, also: str
) -> None:
    script = f"import sys\nimport sweepd as wandb\n{also}\nwandb.init().log({{'a': 1}})\n"
    rows, printed = run_standalone(tmp_path, script, WANDB_MODE="disabled")
    assert len(rows) == 1
    assert printed.count("set SWEEPD_MODE instead") == (not also)
