"""Folds of a cross-validation as standalone runs, as in W&B's example; the sweep gets their mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from component.sdk.programs import ROOT, details, environment_of, rows, run, without_time

SCRIPT = """
import os
import wandb

def train(fold, name, group):
    for variable in [each for each in os.environ if each.startswith("WANDB_")]:
        if variable not in ("WANDB_PROJECT", "WANDB_ENTITY"):
            del os.environ[variable]
    run = wandb.init(name=f"{name}-{fold}", group=group, config={"fold": fold}, mode="offline", reinit=True)
    run.log({"acc": fold})
    assert "SWEEPD_SWEEP_ID" not in os.environ
    run.finish()

run = wandb.init(config={"lr": 1}, tags=["cv"])
wandb.define_metric("acc", summary="max")
run.log({"began": 1})
run.summary["folds"] = 3
run.finish()
wandb.sdk.wandb_setup._setup(_reset=True)
for fold in range(3):
    train(fold, run.name, run.sweep_id)
run = wandb.init(id=run.id, resume="must", notes="mean")
run.log({"acc": 1})
print(run.path, run.tags, dict(run.config), dict(run.summary))
"""
FORKED = (
    SCRIPT.replace("    train(fold,", "    p = mp.Process(target=train, args=(fold,")
    .replace("run.sweep_id)\n", "run.sweep_id))\n    p.start(); p.join(); assert p.exitcode == 0\n")
    .replace("import os\n", "import os\nimport multiprocessing as mp\n", 1)
    .replace("wandb.sdk.wandb_setup._setup(_reset=True)\n", "")
)


@pytest.mark.parametrize("script", [SCRIPT, FORKED], ids=["one-after-the-other", "in-processes"])
def test_each_fold_is_a_standalone_run_and_the_run_of_the_sweep_gets_the_mean(
    tmp_path: Path, script: str
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    path = f"{ROOT / 'client' / 'sweepd' / 'compat' / 'on_path'}:{ROOT / 'client'}"
    given = environment_of(
        folder, PYTHONPATH=path, WANDB_RUN_ID="r1", WANDB_SWEEP_ID="s1", SWEEPD_PROJECT="mnist"
    )
    output, errors = run(script, cwd=tmp_path, env=given)
    assert output == "acme/mnist/r1 ('cv',) {'lr': 1} {'acc': {'max': 1}, 'folds': 3}\n"
    assert [without_time(row) for row in rows(folder / "metrics.jsonl")] == [
        {"_step": 0, "began": 1},
        {"_step": 1, "acc": 1},
    ]
    reported = details(folder)
    assert (reported["tags"], reported["notes"], reported["config"]) == (["cv"], "mean", {"lr": 1})
    assert reported["definitions"] == {"acc": {"summary": ["max"]}}
    folds = sorted((tmp_path / "sweepd-runs").iterdir())
    assert sorted(str(details(fold)["name"]) for fold in folds) == ["r1-0", "r1-1", "r1-2"]
    assert {str(details(fold)["group"]) for fold in folds} == {"s1"}
    assert sorted(row["acc"] for fold in folds for row in rows(fold / "metrics.jsonl")) == [0, 1, 2]  # type: ignore[type-var]
    assert errors.count("a run in addition to the run of the sweep; this run is kept in sweepd-runs/") == 3
