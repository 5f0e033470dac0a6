"""A training whose result varies with the random seed: each point runs three times, with different seeds."""

import argparse

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import train_test_split

import sweepd

parser = argparse.ArgumentParser()
parser.add_argument("--trees", type=int, default=10)
parser.add_argument("--learning_rate", type=float, default=0.01)
parser.add_argument("--max_depth", type=int, default=1)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

features, labels = load_breast_cancer(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(features, labels, random_state=args.seed)
model = GradientBoostingClassifier(
    n_estimators=args.trees,
    learning_rate=args.learning_rate,
    max_depth=args.max_depth,
    subsample=0.5,
    random_state=args.seed,
)
accuracy = model.fit(train_x, train_y).score(test_x, test_y)
sweepd.log({"accuracy": accuracy})
print(f"seed {args.seed}: accuracy {accuracy:.4f}")
