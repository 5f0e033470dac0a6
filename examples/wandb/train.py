"""An unchanged script for W&B: with `compat: wandb` in the sweep file, `import wandb` imports sweepd."""

import argparse

import wandb
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, default=1e-3, help="strength of the penalty")
parser.add_argument("--epochs", type=int, default=10)
args = parser.parse_args()

images, digits = load_digits(return_X_y=True)
known, held_out = slice(None, 1200), slice(1200, None)

with wandb.init(project="digits", config=args, tags=["sgd"]) as run:
    run.define_metric("accuracy", summary="max")
    model = SGDClassifier(loss="log_loss", alpha=wandb.config.alpha, random_state=0)
    for epoch in range(wandb.config.epochs):
        model.partial_fit(images[known], digits[known], classes=range(10))
        scores = model.predict_proba(images[held_out])
        wandb.log(
            {
                "epoch": epoch,
                "loss": log_loss(digits[held_out], scores),
                "accuracy": model.score(images[held_out], digits[held_out]),
            }
        )
    wandb.log({"confusion": wandb.plot.confusion_matrix(probs=scores, y_true=digits[held_out])})
    run.summary["weights"] = model.coef_.size
