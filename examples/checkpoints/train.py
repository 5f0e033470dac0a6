"""A training that, after the loss of its machine, continues from its last checkpoint."""

import pickle
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss

import sweepd

run = sweepd.init(config={"alpha": 0.0001, "epochs": 30})
features, labels = load_digits(return_X_y=True)
train, validation = slice(0, 1_300), slice(1_300, None)

checkpoint = Path(run.checkpoint_dir) / "last.pickle"
if run.resumed and checkpoint.exists():  # written by an earlier attempt of this run
    done, model = pickle.loads(checkpoint.read_bytes())  # noqa: S301
else:
    done, model = 0, SGDClassifier(loss="log_loss", alpha=run.config.alpha, random_state=0)

for epoch in range(done, run.config.epochs):
    model.partial_fit(features[train], labels[train], classes=range(10))
    val_loss = log_loss(labels[validation], model.predict_proba(features[validation]))
    sweepd.log({"val_loss": val_loss, "epoch": epoch})
    if epoch % 5 == 4:
        fresh = checkpoint.with_suffix(".new")
        fresh.write_bytes(pickle.dumps((epoch + 1, model)))
        fresh.replace(checkpoint)  # atomic: the file is never incomplete
        run.checkpoint_saved()
