"""The callbacks for XGBoost and LightGBM from the package wandb, with sweepd's module."""

import importlib.util
import sys
from pathlib import Path

import lightgbm
import wandb
import xgboost
from sklearn.datasets import load_breast_cancer

installed = next(
    folder
    for folder in (Path(entry) / "wandb" for entry in sys.path)
    if (folder / "sdk" / "wandb_run.py").is_file()
)
assert Path(wandb.__file__).parent != installed


def shipped(path):
    """Load a file of the installed package, whatever `wandb` is."""
    name = "shipped_" + Path(path).stem
    spec = importlib.util.spec_from_file_location(name, installed / "integration" / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


x, y = load_breast_cancer(return_X_y=True)
wandb.init()
xgboost.XGBClassifier(
    n_estimators=3,
    n_jobs=1,
    eval_metric="logloss",
    callbacks=[shipped("xgboost/xgboost.py").WandbCallback(log_model=True)],
).fit(x, y, eval_set=[(x, y)], verbose=False)
theirs = shipped("lightgbm/__init__.py")
data = lightgbm.Dataset(x, y)
model = lightgbm.train(
    {"objective": "binary", "metric": "auc", "num_threads": 1, "verbosity": -1},
    data,
    num_boost_round=3,
    valid_sets=[data],
    valid_names=["train"],
    callbacks=[theirs.wandb_callback()],
)
theirs.log_summary(model, save_model_checkpoint=True)
