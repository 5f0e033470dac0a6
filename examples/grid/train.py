"""A model without epochs, which logs one value per run; some of its parameters are in a group."""

from sklearn.datasets import load_wine
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

import sweepd

defaults = {"criterion": "gini", "tree": {"max_depth": 2, "min_samples_leaf": 1}}

with sweepd.init(config=defaults) as run:
    features, labels = load_wine(return_X_y=True)
    model = DecisionTreeClassifier(
        criterion=run.config.criterion,
        max_depth=run.config.tree.max_depth,
        min_samples_leaf=run.config.tree.min_samples_leaf,
        random_state=0,
    )
    accuracy = cross_val_score(model, features, labels, cv=5).mean()
    run.log({"accuracy": accuracy})
    print(f"accuracy {accuracy:.4f}")
