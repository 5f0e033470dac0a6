"""What the callbacks for XGBoost and LightGBM share: which way a metric goes, and what features count for."""

from collections.abc import Iterable

import sweepd

_SMALLER_IS_BETTER = frozenset(
    (
        *("rmse", "rmsle", "mae", "mape", "mphe", "error", "merror", "l1", "l2", "huber", "fair", "poisson"),
        *(
            "gamma",
            "logloss",
            "mlogloss",
            "binary_logloss",
            "poisson-nloglik",
            "gamma-nloglik",
            "cox-nloglik",
        ),
        *("gamma-deviance", "tweedie-nloglik", "aft-nloglik"),
    )
)
_LARGER_IS_BETTER = frozenset(("auc", "aucpr", "pre", "map", "ndcg", "average_precision"))


def define_best(key: str, metric: str) -> None:
    """Have the summary of a metric be its best value, if it is known which that is."""
    name = metric.lower()
    if "loss" in name or name in _SMALLER_IS_BETTER:
        sweepd.define_metric(key, summary="min")
    elif name in _LARGER_IS_BETTER:
        sweepd.define_metric(key, summary="max")


def log_importance(features: Iterable[tuple[str, float]], *, commit: bool) -> None:
    """Log a table of features and what they count for."""
    rows = [[feature, value] for feature, value in features]
    table = sweepd.Table(columns=["Feature", "Importance"], data=rows)
    sweepd.log({"Feature Importance": table}, commit=commit)


def keep_model(path: str, name: str, aliases: list[str] | None = None) -> None:
    """Keep the file of a model with the run."""
    artifact = sweepd.Artifact(name, type="model")
    artifact.add_file(path)
    sweepd.log_artifact(artifact, aliases=aliases)
