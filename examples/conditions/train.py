"""Parameters that depend on others: each solver has its own, and a constraint excludes large nets."""

import warnings

from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

import sweepd

EPOCHS = 16
defaults = {"solver": "adam", "beta_1": 0.9, "learning_rate": 0.0003, "depth": 1, "width": 8}

with sweepd.init(config=defaults) as run:
    config = dict(run.config)
    features, labels = load_digits(return_X_y=True)
    train_x, val_x, train_y, val_y = train_test_split(features / 16.0, labels, random_state=0)
    own = {name: config[name] for name in ("momentum", "beta_1") if name in config}
    model = MLPClassifier(
        hidden_layer_sizes=[config["width"]] * config["depth"],
        solver=config["solver"],
        learning_rate_init=config["learning_rate"],
        random_state=0,
        **own,
    )
    warnings.simplefilter("ignore")  # a diverging net is only a bad value for the sweep
    for epoch in range(EPOCHS):
        model.partial_fit(train_x, train_y, classes=range(10))
        val_loss = float(log_loss(val_y, model.predict_proba(val_x)))
        run.log({"val_loss": val_loss})
        print(f"epoch {epoch + 1}: val_loss {val_loss:.4f}")
