"""Training script of `sweepctl demo`: a small neural network on scikit-learn's digits.

Arguments such as `--hidden=64`, or a sweep, override the default settings below.
"""
# The script is started by its path, not imported (INP001); it sets variables before numpy loads (E402).
# ruff: noqa: INP001, E402

import argparse
import os
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # runs share the machine; must be set before numpy is loaded

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

import sweepd

EPOCHS = 27
CLASSES = np.arange(10)
Images = NDArray[np.float64]
Labels = NDArray[np.int64]


def settings() -> argparse.Namespace:
    """Return the settings from the command line, with sensible defaults."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--learning_rate", type=float, default=0.01)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--alpha", type=float, default=0.0001, help="L2 penalty")
    return parser.parse_args()


def digits() -> tuple[Images, Labels, Images, Labels]:
    """Return 1300 images and their labels to train on, and the other 497 to validate with."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels = images[order] / 16, labels[order]
    return images[:1300], labels[:1300], images[1300:], labels[1300:]


def main() -> None:
    """Train the model and log its quality after each epoch."""
    run = sweepd.init(config=settings())
    config = run.config
    model = MLPClassifier(
        solver=config.optimizer,
        learning_rate_init=config.learning_rate,
        hidden_layer_sizes=(config.hidden,),
        batch_size=config.batch_size,
        alpha=config.alpha,
        random_state=0,
    )
    images, labels, validation_images, validation_labels = digits()
    shuffle = np.random.default_rng(1)
    warnings.simplefilter("ignore")  # some runs of a search are expected to diverge
    for epoch in range(1, EPOCHS + 1):
        order = shuffle.permutation(len(labels))
        model.partial_fit(images[order], labels[order], classes=CLASSES)
        probabilities = model.predict_proba(validation_images)
        run.log(
            {
                "epoch": epoch,
                "train_loss": model.loss_,
                "val_loss": log_loss(validation_labels, probabilities, labels=CLASSES),
                "accuracy": np.mean(probabilities.argmax(axis=1) == validation_labels),
            }
        )


if __name__ == "__main__":
    main()
