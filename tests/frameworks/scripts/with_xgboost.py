"""Trees of XGBoost on scikit-learn's breast cancer data, with W&B's callback."""

import argparse

import wandb
import xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from wandb.integration.xgboost import WandbCallback

parser = argparse.ArgumentParser()
parser.add_argument("--max_depth", type=int, default=3)
args = parser.parse_args()

run = wandb.init(config=args)
x, y = load_breast_cancer(return_X_y=True, as_frame=False)
x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
model = xgboost.XGBClassifier(
    n_estimators=8,
    max_depth=wandb.config.max_depth,
    eval_metric=["logloss", "auc"],
    early_stopping_rounds=4,
    n_jobs=1,
    callbacks=[WandbCallback(log_model=True)],
)
model.fit(x_train, y_train, eval_set=[(x_test, y_test)], verbose=False)
wandb.log({"accuracy": model.score(x_test, y_test)})
run.finish()
