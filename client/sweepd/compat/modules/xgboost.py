"""Counterpart of W&B's callback for XGBoost, which logs evaluations, best iteration and importances."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from xgboost import Booster
from xgboost.callback import TrainingCallback

import sweepd
from sweepd.compat.modules.callbacks import define_best, log_importance, run_of
from sweepd.compat.modules.top_level import termwarn

__all__ = ["WandbCallback", "wandb_callback"]


class WandbCallback(TrainingCallback):  # type: ignore[misc]  # XGBoost is missing in type checks
    """Callback that logs a training run of XGBoost.

    Args:
        log_model: whether to store the model with the run.
        log_feature_importance: whether to log a table of feature importances.
        importance_type: measure of importance: weight, gain, cover, total_gain or total_cover.
        define_metric: whether metrics with a known goal get the best value as their summary, not the last.
    """

    def __init__(
        self,
        log_model: bool = False,
        log_feature_importance: bool = True,
        importance_type: str = "gain",
        define_metric: bool = True,
    ) -> None:
        super().__init__()
        run_of("WandbCallback")
        self.log_model = log_model
        self.log_feature_importance = log_feature_importance
        self.importance_type = importance_type
        self.define_metric = define_metric

    def before_training(self, model: Booster) -> Booster:
        """Add the configuration of the booster to the configuration of the run."""
        sweepd.config.update(json.loads(model.save_config()), allow_val_change=True)
        return model

    def after_iteration(
        self, model: Booster, epoch: int, evals_log: Mapping[str, Mapping[str, Sequence[float]]]
    ) -> bool:
        """Log the evaluations of an iteration as one row; return False to continue the training."""
        row: dict[str, object] = {"epoch": epoch}
        for data, metrics in evals_log.items():
            for metric, values in metrics.items():
                key = f"{data}-{metric}"
                if self.define_metric:
                    define_best(key, metric)
                row[key] = values[-1]
        self.define_metric = False
        sweepd.log(row)
        return False

    def after_training(self, model: Booster) -> Booster:
        """Log the best iteration and, if requested, the model and the feature importances."""
        run = run_of("WandbCallback")
        if self.log_model:
            path = Path(run.dir) / f"{run.id}_model.json"
            model.save_model(str(path))
            sweepd.log_artifact(path, path.name, "model")
        if self.log_feature_importance:
            self._log_importance(model)
        best, iteration = model.attr("best_score"), model.attr("best_iteration")
        if best is not None and iteration is not None:
            sweepd.log({"best_score": float(best), "best_iteration": int(iteration)})
        return model

    def _log_importance(self, model: Booster) -> None:
        try:
            scores = model.get_score(importance_type=self.importance_type)
        except ValueError as error:  # linear boosters only have weights
            termwarn(f"the feature importance cannot be logged: {error}", repeat=False)
        else:
            log_importance(scores.items(), commit=True)


def wandb_callback() -> WandbCallback:
    """Return the callback; scripts for earlier versions of W&B call this function."""
    return WandbCallback()
