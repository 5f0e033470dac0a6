"""Functions shared by the callbacks for XGBoost and LightGBM."""

from collections.abc import Iterable

import sweepd
from sweepd.compat.modules.errors import Error

_SMALLER_IS_BETTER = frozenset(
    [
        "rmse",
        "rmsle",
        "mae",
        "mape",
        "mphe",
        "error",
        "merror",
        "l1",
        "l2",
        "huber",
        "fair",
        "poisson",
        "gamma",
        "poisson-nloglik",
        "gamma-nloglik",
        "cox-nloglik",
        "gamma-deviance",
        "tweedie-nloglik",
        "aft-nloglik",
    ]
)
_LARGER_IS_BETTER = frozenset(("auc", "aucpr", "pre", "map", "ndcg", "average_precision"))


def define_best(key: str, metric: str) -> None:
    """Define the best value of a metric as its summary, if the goal of the metric is known."""
    name = metric.lower()
    if "loss" in name or name in _SMALLER_IS_BETTER:
        sweepd.define_metric(key, summary="min")
    elif name in _LARGER_IS_BETTER:
        sweepd.define_metric(key, summary="max")


def log_importance(features: Iterable[tuple[str, float]], *, commit: bool) -> None:
    """Log a table of feature importances."""
    rows = [[feature, value] for feature, value in features]
    table = sweepd.Table(columns=["Feature", "Importance"], data=rows)
    sweepd.log({"Feature Importance": table}, commit=commit)


def run_of(who: str) -> sweepd.Run:
    """Return the active run; `who` is the name of the caller in the message.

    Raises:
        Error: no run is active.
    """
    if sweepd.run is None:
        raise Error(f"{who}: call wandb.init() first")
    return sweepd.run
