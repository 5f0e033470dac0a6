"""Counterpart of W&B's callback for LightGBM, which logs parameters, evaluations and importances."""

from pathlib import Path
from typing import Protocol

from lightgbm import Booster

import sweepd
from sweepd.compat.modules.callbacks import define_best, log_importance, run_of
from sweepd.compat.modules.errors import Error

__all__ = ["log_summary", "wandb_callback"]


class _Iteration(Protocol):
    """Argument that LightGBM passes to callbacks."""

    @property
    def params(self) -> dict[str, object]: ...
    @property
    def iteration(self) -> int: ...
    @property
    def begin_iteration(self) -> int: ...
    @property
    def evaluation_result_list(
        self,
    ) -> list[tuple[str, str, float, bool] | tuple[str, str, float, bool, float]]: ...


class _Callback:
    order = 20  # after LightGBM's own callbacks, as in W&B
    before_iteration = False

    def __init__(self, *, log_params: bool, define_metric: bool) -> None:
        self._log_params = log_params
        self._define_metric = define_metric

    def __call__(self, env: _Iteration) -> None:
        row: dict[str, object] = {"iteration": env.iteration}
        first = env.iteration == env.begin_iteration
        if first and self._log_params:
            sweepd.config.update(env.params, allow_val_change=True)
        for item in env.evaluation_result_list:
            if len(item) == 4:
                values = {f"{item[0]}_{item[1]}": item[2]}
                metric = item[1]
            else:  # result of a cross-validation
                data, _, metric = item[1].rpartition(" ")
                data = data or item[0]  # newer versions pass it separately
                values = {f"{data}_{metric}-mean": item[2], f"{data}_{metric}-stdv": item[4]}
            for key in values if first and self._define_metric else ():
                define_best(key, metric)
            row |= values
        sweepd.log(row)


def wandb_callback(log_params: bool = True, define_metric: bool = True) -> _Callback:
    """Return a callback that logs a training run of LightGBM.

    Args:
        log_params: whether to add the training parameters to the configuration of the run.
        define_metric: whether metrics with a known goal get the best value as their summary, not the last.
    """
    return _Callback(log_params=log_params, define_metric=define_metric)


def log_summary(model: Booster, feature_importance: bool = True, save_model_checkpoint: bool = False) -> None:
    """Log the results of a trained model.

    Args:
        model: trained booster.
        feature_importance: whether to log a table of feature importances.
        save_model_checkpoint: whether to store the best model with the run.

    Raises:
        Error: the model is not a booster, or no run is active.
    """
    run = run_of("log_summary")
    if not isinstance(model, Booster):
        raise Error(f"log_summary: expected a lightgbm.Booster, not a {type(model).__name__}")
    run.summary["best_iteration"] = model.best_iteration
    run.summary["best_score"] = {data: dict(scores) for data, scores in model.best_score.items()}
    if feature_importance:
        log_importance(zip(model.feature_name(), model.feature_importance(), strict=True), commit=False)
    if save_model_checkpoint:
        path = Path(run.dir) / f"model_ckpt_{model.best_iteration}.txt"
        model.save_model(str(path), num_iteration=model.best_iteration)
        sweepd.log_artifact(path, f"model_{run.id}", "model", ["best"])
