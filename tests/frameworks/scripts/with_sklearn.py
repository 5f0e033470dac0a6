"""A forest of scikit-learn, its depth from the command line, with W&B's plots and curves."""

import argparse

import wandb
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--max_depth", type=int, default=2)
    parser.add_argument("--n_estimators", type=int, default=10)
    args = parser.parse_args()

    with wandb.init(project="digits", config=vars(args)) as run:
        x, y = load_digits(return_X_y=True)
        x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
        forest = RandomForestClassifier(
            run.config.n_estimators, max_depth=run.config["max_depth"], random_state=0, n_jobs=1
        ).fit(x_train, y_train)
        scores = forest.predict_proba(x_test)
        wandb.sklearn.plot_classifier(
            forest, x_train, x_test, y_train, y_test, scores.argmax(1), scores, list("0123456789")
        )
        run.log({"roc": wandb.plot.roc_curve(y_test, scores), "pr": wandb.plot.pr_curve(y_test, scores)})
        run.log({"accuracy": forest.score(x_test, y_test)})


main()
