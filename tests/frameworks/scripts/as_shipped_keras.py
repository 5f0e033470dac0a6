"""The callbacks for Keras from the package wandb, which need TensorFlow, with sweepd's module."""

import importlib.util
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np
import wandb

installed = next(
    folder
    for folder in (Path(entry) / "wandb" for entry in sys.path)
    if (folder / "sdk" / "wandb_run.py").is_file()
)
assert Path(wandb.__file__).parent != installed


def shipped(path, name):
    """Load a file of the installed package, whatever `wandb` is."""
    spec = importlib.util.spec_from_file_location(name, installed / "integration" / "keras" / path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shipped("keras.py", "wandb.integration.keras.keras")
metrics = shipped("callbacks/metrics_logger.py", "wandb.integration.keras.callbacks.metrics_logger")
checkpoints = shipped("callbacks/model_checkpoint.py", "wandb.integration.keras.callbacks.model_checkpoint")

wandb.init()
x = np.linspace(-1, 1, 64).reshape(-1, 1)
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.1), loss="mse")
model.fit(
    x,
    3 * x + 1,
    validation_split=0.25,
    epochs=2,
    verbose=0,
    callbacks=[metrics.WandbMetricsLogger(), checkpoints.WandbModelCheckpoint("model-{epoch:02d}.keras")],
)
