"""A line fitted by Keras, with W&B's callbacks for it."""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import wandb
from wandb.integration.keras import WandbEvalCallback, WandbMetricsLogger, WandbModelCheckpoint

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()

wandb.init(config={"lr": args.lr})


class Predictions(WandbEvalCallback):
    def __init__(self, x, y):
        super().__init__(data_table_columns=["x", "y"], pred_table_columns=["epoch", "x", "prediction"])
        self.x, self.y = x, y

    def add_ground_truth(self, logs=None):
        for x, y in zip(self.x[:3, 0], self.y[:3, 0]):
            self.data_table.add_data(float(x), float(y))

    def add_model_predictions(self, epoch, logs=None):
        for x, prediction in zip(self.x[:3, 0], self.model.predict(self.x[:3], verbose=0)[:, 0]):
            self.pred_table.add_data(epoch, float(x), float(prediction))


keras.utils.set_random_seed(0)
x = np.linspace(-1, 1, 64).reshape(-1, 1)
y = 3 * x + 1
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(wandb.config.lr), loss="mse", metrics=["mae"])
model.fit(
    x,
    y,
    validation_data=(x, y),
    epochs=3,
    batch_size=16,
    verbose=0,
    callbacks=[
        WandbMetricsLogger(log_freq=2),
        WandbModelCheckpoint("model-{epoch:02d}.keras", save_best_only=True),
        Predictions(x, y),
        wandb.keras.WandbCallback(monitor="val_loss"),
    ],
)
