"""A script with its own command line: a sweep passes values as --name=value; only `sweepd.log` was added."""

import argparse

from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet
from sklearn.model_selection import cross_val_score

import sweepd

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, default=1.0, help="strength of the penalty")
parser.add_argument("--l1_ratio", type=float, default=0.5, help="share of the L1 penalty")
parser.add_argument("--selection", choices=["cyclic", "random"], default="cyclic")
args = parser.parse_args()

features, target = load_diabetes(return_X_y=True)
model = ElasticNet(alpha=args.alpha, l1_ratio=args.l1_ratio, selection=args.selection, random_state=0)
scores = cross_val_score(model, features, target, cv=5, scoring="r2")

sweepd.log({"r2": scores.mean(), "r2_worst_fold": scores.min()})
print(f"r2 {scores.mean():.4f}")
