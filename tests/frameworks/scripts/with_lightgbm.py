"""Trees of LightGBM on scikit-learn's breast cancer data, with W&B's callback."""

import argparse

import lightgbm
import wandb
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from wandb.integration.lightgbm import log_summary, wandb_callback

parser = argparse.ArgumentParser()
parser.add_argument("--num_leaves", type=int, default=7)
args = parser.parse_args()

wandb.init(config=args)
x, y = load_breast_cancer(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
model = lightgbm.train(
    {
        "objective": "binary",
        "metric": ["binary_logloss", "auc"],
        "num_leaves": wandb.config.num_leaves,
        "num_threads": 1,
        "verbosity": -1,
    },
    lightgbm.Dataset(x_train, y_train),
    num_boost_round=8,
    valid_sets=[lightgbm.Dataset(x_test, y_test)],
    valid_names=["test"],
    callbacks=[wandb_callback(), lightgbm.early_stopping(4, verbose=False)],
)
log_summary(model, save_model_checkpoint=True)
lightgbm.cv(
    {"objective": "binary", "metric": "auc", "num_threads": 1, "verbosity": -1},
    lightgbm.Dataset(x_train, y_train),
    num_boost_round=2,
    nfold=2,
    callbacks=[wandb_callback(log_params=False)],
)
wandb.log({"accuracy": float(((model.predict(x_test) > 0.5) == y_test).mean())})
