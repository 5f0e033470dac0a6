"""A typical training: default parameters, a loop over epochs, and a validation loss after each epoch."""

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import sweepd

# Used without a sweep; a sweep replaces them by its own values.
defaults = {"learning_rate": 0.001, "optimizer": "sgd", "hidden": 16, "epochs": 20}

sweepd.init(config=defaults)
config = sweepd.config

features, labels = load_breast_cancer(return_X_y=True)
order = np.random.default_rng(0).permutation(len(labels))
features, labels = StandardScaler().fit_transform(features[order]), labels[order]
train, validation = slice(0, 400), slice(400, None)

model = MLPClassifier(
    hidden_layer_sizes=(config.hidden,),
    solver=config.optimizer,
    learning_rate_init=config.learning_rate,
    batch_size=32,
    random_state=0,
)
for _ in range(config.epochs):
    model.partial_fit(features[train], labels[train], classes=[0, 1])
    val_loss = log_loss(labels[validation], model.predict_proba(features[validation]))
    sweepd.log(
        {
            "train_loss": model.loss_,
            "val_loss": val_loss,
            "accuracy": model.score(features[validation], labels[validation]),
        }
    )

sweepd.finish()
print(f"val_loss {val_loss:.4f}")
