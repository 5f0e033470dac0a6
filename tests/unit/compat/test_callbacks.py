"""Odd values passed to the callbacks; tests/frameworks runs them with the real libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sweepd.compat.environment import take_over
from sweepd.compat.modules.plot import roc_curve

CLIENT = Path(__file__).resolve().parents[3] / "client"
# The parts of the libraries that the callbacks need.
FAKE_LIBRARIES = """
import math, sys, types

class Callback:
    def __init__(self, *arguments, **named): pass

keras = types.ModuleType("keras")
keras.callbacks = types.SimpleNamespace(Callback=Callback, ModelCheckpoint=Callback)
xgboost, callback = types.ModuleType("xgboost"), types.ModuleType("xgboost.callback")
xgboost.Booster, callback.TrainingCallback = object, Callback
sys.modules |= {"keras": keras, "xgboost": xgboost, "xgboost.callback": callback}

import sweepd
from sweepd.compat.modules.errors import Error
"""


def callbacks(script: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", FAKE_LIBRARIES + script],
        env={**os.environ, "PYTHONPATH": str(CLIENT), "SWEEPD_MODE": "disabled"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_callbacks_report_unsupported_options_and_skip_values_that_are_not_finite() -> None:
    output, errors = callbacks("""
from sweepd.compat.modules.keras import WandbCallback, WandbMetricsLogger
from sweepd.compat.modules.xgboost import WandbCallback as Boosting

for make in (WandbCallback, WandbMetricsLogger, Boosting):
    try: make()
    except Error as error: print(error)
run = sweepd.init()
try: WandbMetricsLogger("weekly")
except Error as error: print(error)

class Array:
    def __bool__(self): raise ValueError("ambiguous")

callback = WandbCallback(training_data=Array(), save_model=False)
for epoch, loss in enumerate((math.nan, 3.0, 2.0, math.inf, 2.5)):
    callback.on_epoch_end(epoch, {"val_loss": loss})
print(run.summary["best_val_loss"], run.summary["best_epoch"])

class Linear:
    def get_score(self, importance_type): raise ValueError("gblinear only has `weight`")
    def attr(self, name): return None
    def save_model(self, path): open(path, "w").close()

Boosting(log_model=True).after_training(Linear())
""")
    assert output.splitlines() == [
        "WandbCallback: call wandb.init() first",
        "WandbMetricsLogger: call wandb.init() first",
        "WandbCallback: call wandb.init() first",
        "WandbMetricsLogger: log_freq must be epoch, batch or a number, not 'weekly'",
        "2.0 2",
    ]
    assert errors.splitlines() == [
        "sweepd: warning: WandbCallback: arguments without effect: training_data",
        "sweepd: warning: the feature importance cannot be logged: gblinear only has `weight`",
    ]


def test_a_closed_stderr_does_not_end_the_script() -> None:
    output, _ = callbacks("""
from sweepd.compat.modules.top_level import termwarn

sys.stderr.close()
termwarn("nobody hears this")
sweepd.init(mode="offline", dir="/dev/null/nowhere", settings={"silent": False}).finish()
print("trained")
""")
    assert output == "trained\n"


def test_the_scores_of_a_class_do_not_depend_on_a_class_without_examples() -> None:
    scores = [[0.1, 0.9, 0.0], [0.1, 0.0, 0.9]]
    assert roc_curve([1, 2], scores, ["a", "b", "c"]).data == [
        ["b", 0.0, 0.0],
        ["b", 0.0, 1.0],
        ["b", 1.0, 1.0],
        ["c", 0.0, 0.0],
        ["c", 0.0, 1.0],
        ["c", 1.0, 1.0],
    ]


def test_a_variable_of_wandb_may_change_between_two_runs() -> None:
    environ = {"WANDB_NAME": "first", "WANDB_PROJECT": "theirs", "SWEEPD_PROJECT": "ours"}
    take_over(environ)
    environ["WANDB_NAME"] = "second"
    take_over(environ)
    assert (environ["SWEEPD_NAME"], environ["SWEEPD_PROJECT"]) == ("second", "ours")
