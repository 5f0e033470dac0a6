"""Unchanged scripts that `import wandb`, with W&B's usage and the callbacks that frameworks ship.

Their Python has the real wandb but not sweepd, whose module is found first.
"""

from __future__ import annotations

import pytest

from frameworks.environment import Trained, train
from system.installation import Installation

pytestmark = pytest.mark.frameworks

GRID = "compat: wandb\nmethod: grid\n"


def test_a_convolutional_net_trains_on_fashion_mnist(installation: Installation) -> None:
    good, bad = train(
        installation,
        "fashion_mnist.py",
        GRID + "metric: {name: val_acc, goal: maximize}\n"
        "parameters: {lr: {values: [0.05, 0.0001]}, epochs: {value: 2}}\n",
    )
    assert good.values("val_acc")[-1] > 0.6 > bad.values("val_acc")[-1]
    assert len(good.values("batch_loss")) == 10
    assert good.config == {"batch_size": 64, "dropout": 0.2, "epochs": 2, "lr": 0.05, "seed": 0}
    assert good.summary["parameters"] == 26_698
    assert good.details["tags"] == ["convnet"]
    assert good.details["definitions"] == {"val_acc": {"summary": ["max"]}}
    assert len(good.files("media/images/examples*.png")) == 4
    assert good.files("artifacts/convnet/model.pt")
    assert len(good.files("media/table/*.json")) == 2


def test_a_forest_of_sklearn_logs_plots_and_curves(installation: Installation) -> None:
    shallow, deep = train(
        installation,
        "with_sklearn.py",
        GRID + "metric: {name: accuracy, goal: maximize}\nparameters: {max_depth: {values: [1, 10]}}\n",
    )
    assert shallow.values("accuracy")[0] < 0.7 < 0.9 < deep.values("accuracy")[0]
    assert len(deep.files("media/table/*.json")) == 2


def test_hydra_receives_key_value_arguments(installation: Installation) -> None:
    first, second = train(
        installation,
        "with_hydra.py",
        GRID + "metric: {name: loss}\n"
        'command: ["${interpreter}", "${program}", "${args_no_hyphens}"]\n'
        "parameters: {lr: {values: [0.25, 1.0]}, model.depth: {value: 2}}\n",
    )
    assert first.values("loss") == [0.125, 0.25 / 3, 0.0625]
    assert second.values("loss")[0] == 0.5
    assert first.config["model"] == {"depth": 2, "name": "small"}
    assert "depth: 2" in str(first.summary["config"])


def test_the_trainer_of_transformers_logs_its_metrics(installation: Installation) -> None:
    installation.environment["WANDB_LOG_MODEL"] = "end"
    (run,) = train(
        installation,
        "with_transformers.py",
        GRID + "metric: {name: eval/loss}\nparameters: {learning_rate: {values: [0.002]}}\n",
    )
    assert len(run.values("eval/loss")) == 2
    assert len(run.values("train/loss")) == 8
    assert run.config["learning_rate"] == 0.002
    assert (
        run.config["model/num_parameters"] == 12_402 or int(str(run.config["model/num_parameters"])) > 1_000
    )
    assert run.summary["seen"] == 32
    assert isinstance(run.summary["train_loss"], float)
    assert run.details["name"] == "bert"
    assert run.files("artifacts/model-bert/model.safetensors")


def test_the_logger_of_lightning_logs_its_metrics(installation: Installation) -> None:
    slow, fast = train(
        installation,
        "with_lightning.py",
        GRID + "metric: {name: val_loss}\nparameters: {lr: {values: [0.001, 0.1]}}\n",
    )
    assert len(fast.values("val_loss")) == 3
    assert fast.values("val_loss")[-1] < slow.values("val_loss")[-1]
    assert fast.values("trainer/global_step")[:3] == [1, 3, 3]
    assert fast.config["lr"] == 0.1
    assert fast.files("artifacts/model-*/*.ckpt")
    assert fast.files("media/images/pictures*.png")
    assert fast.files("media/table/line*.json")


def test_the_tracker_of_accelerate_logs_its_metrics(installation: Installation) -> None:
    (run,) = train(
        installation,
        "with_accelerate.py",
        GRID + "metric: {name: loss}\nparameters: {lr: {values: [0.2]}}\n",
    )
    losses = run.values("loss")
    assert len(losses) == 5
    assert losses == sorted(losses, reverse=True)
    assert run.config["lr"] == 0.2


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_the_callbacks_for_keras_log_metrics_and_files(installation: Installation, backend: str) -> None:
    installation.environment["KERAS_BACKEND"] = backend
    (run,) = train(
        installation,
        "with_keras.py",
        GRID + "metric: {name: epoch/val_loss}\nparameters: {lr: {values: [0.1]}}\n",
    )
    assert len(run.values("batch/loss")) == 6  # every second of four batches, in three epochs
    # The logger of batches also reports epochs.
    assert run.values("epoch/epoch") == [0, 1, 2]
    assert run.values("epoch/val_loss")[-1] < run.values("epoch/val_loss")[0]
    assert run.values("epoch/learning_rate") == pytest.approx([0.1] * 3)
    assert run.summary["best_epoch"] == 2
    assert len(run.files("artifacts/*/model-*.keras")) == 3
    assert len(run.files("media/table/eval_data*.json")) == 3
    assert len(run.files("media/table/val_data*.json")) == 1


def test_the_callback_for_xgboost_logs_metrics(installation: Installation) -> None:
    (run,) = train(
        installation,
        "with_xgboost.py",
        GRID + "metric: {name: accuracy, goal: maximize}\nparameters: {max_depth: {values: [2]}}\n",
    )
    assert run.values("epoch") == list(range(8))
    assert len(run.values("validation_0-logloss")) == 8
    assert run.values("accuracy")[0] > 0.9
    assert run.values("best_iteration")
    assert run.config["max_depth"] == 2
    assert "learner" in run.config
    assert run.details["definitions"] == {
        "validation_0-logloss": {"summary": ["min"]},
        "validation_0-auc": {"summary": ["max"]},
    }
    assert run.files("artifacts/*/*_model.json")
    assert run.files("media/table/Feature-Importance*.json")


def test_the_callback_for_lightgbm_logs_metrics(installation: Installation) -> None:
    (run,) = train(
        installation,
        "with_lightgbm.py",
        GRID + "metric: {name: test_binary_logloss}\nparameters: {num_leaves: {values: [5]}}\n",
    )
    assert run.values("iteration") == [*range(8), 0, 1]
    losses = run.values("test_binary_logloss")
    assert losses == sorted(losses, reverse=True)
    assert len(run.values("valid_auc-mean")) == len(run.values("valid_auc-stdv")) == 2
    assert run.summary["best_iteration"] == 8
    assert run.config["objective"] == "binary"
    assert run.files("artifacts/model_*/model_ckpt_8.txt")
    assert run.files("media/table/Feature-Importance*.json")


def test_the_callbacks_of_the_real_package_work_with_the_module_of_sweepd(installation: Installation) -> None:
    (run,) = train(installation, "as_shipped.py", _ONE)
    assert _complete(run, "validation_0-logloss") == 3
    assert _complete(run, "train_auc") == 3
    assert run.summary["best_score"] == {"train": {"auc": pytest.approx(run.values("train_auc")[-1])}}
    assert len(run.files("artifacts/*/artifact.json")) == 2


def test_the_keras_callbacks_of_the_real_package_work_with_the_module_of_sweepd(
    installation: Installation,
) -> None:
    (run,) = train(installation, "as_shipped_keras.py", _ONE)
    assert _complete(run, "epoch/val_loss") == 2
    assert run.values("epoch/learning_rate") == pytest.approx([0.1] * 2)
    assert len(run.files("artifacts/*/model-*.keras")) == 2


_ONE = GRID + 'command: ["${interpreter}", "${program}"]\nparameters: {x: {value: 1}}\n'


def _complete(run: Trained, key: str) -> int:
    return len(run.values(key))
